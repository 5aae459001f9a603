"""What goes from a gradebook to Infinite Campus: as to Skyward, but for categories, deletes and cascades."""

from collections.abc import Callable
from typing import Any

import pytest

from roster_pipeline.grades.categories import sync_categories
from roster_pipeline.grades.scope import ExportRefusedError
from roster_pipeline.sandbox.objects import LineItem, Result
from roster_pipeline.sandbox.sis.faults.setup import CategoryOptional
from roster_pipeline.sandbox.sis.faults.writes import PutRefusedForStudent
from roster_pipeline_tests.grades.school import School
from roster_pipeline_tests.pipeline import SOURCE, YEAR


@pytest.fixture
def school(school_with: Callable[..., School]) -> School:
    """A school with the Infinite Campus policy and one graded item."""
    school = school_with(policy="infinite_campus")
    school.sis.switch_on(CategoryOptional())
    school.teachers.item("i1", category_id="own")
    school.teachers.score("i1", "sam", "12", comment="Good")
    school.teachers.score("i1", "sue", "9.5", is_exempt="true")
    return school


@pytest.mark.rule(
    "IC-048", "IC-049", "IC-050", "IC-052", "IC-053", "IC-054", "IC-055", "IC-056", "IC-057", "IC-090", "IC-092"
)  # fmt: skip
def test_a_line_item_goes_without_category(school: School) -> None:
    school.export()
    (body,) = school.put("lineItems")
    assert set(body) == {
        "sourcedId",
        "status",
        "dateLastModified",
        "title",
        "description",
        "assignDate",
        "dueDate",
        "class",
        "gradingPeriod",
        "resultValueMin",
        "resultValueMax",
    }
    assert (body["title"], body["description"], body["resultValueMax"]) == ("Item i1", "What to do", 10)
    assert body["assignDate"] == body["dueDate"] == "2026-11-20T00:00:00.000Z"
    assert not [request for request in school.sis.requests if "categories" in request.path]


@pytest.mark.rule("IC-064", "IC-065", "IC-066", "IC-067", "IC-068", "IC-069", "IC-072")
def test_a_result_carries_number_comment_date_and_exemption(school: School) -> None:
    school.export()
    bodies = {body["student"]["sourcedId"]: body for body in school.put("results")}
    sam, sue = bodies["sam"], bodies["sue"]
    assert (sam["score"], sam["scoreStatus"], sam["comment"], sam["scoreDate"]) == (
        12,
        "fully graded",
        "Good",
        "2026-11-20",
    )
    assert (sue["score"], sue["scoreStatus"]) == (9.5, "exempt")
    school.teachers.change_score("i1", "sue", is_exempt="false")
    school.export()
    assert [body["scoreStatus"] for body in school.put("results")] == ["fully graded"]


@pytest.mark.rule("IC-058", "IC-059", "IC-060", "IC-061", "IC-062", "IC-063", "IC-070", "IC-071", "IC-073")
def test_types_and_due_dates_are_those_of_skyward(school: School) -> None:
    due = {"Numeric": ("2026-11-20", "2026-11-25"), "Selectbox": (None, "2026-11-25"), "Formula": (None, None)}
    for type_, (day, end) in due.items():
        school.teachers.item(type_, type=type_, activity_due_date=day, activity_end_date=end)
    school.teachers.item("pf", type="Pass/Fail")
    for type_ in ("Calculated", "Text", "FinalCalculated"):
        school.teachers.item(type_, type=type_)
    school.teachers.item("standard", grading_mode="standards")
    school.export()
    assert {body["title"]: body["dueDate"][:10] for body in school.put("lineItems")} == {
        "Item i1": "2026-11-20",
        "Item Numeric": "2026-11-20",
        "Item Selectbox": "2026-11-25",
        "Item Formula": "2026-12-20",
        "Item pf": "2026-11-20",
    }
    assert {school.reason(item) for item in ("Calculated", "Text", "FinalCalculated")} == {"type_not_supported"}


@pytest.mark.rule("IC-074", "IC-075", "IC-076", "IC-079", "IC-080", "IC-082")
def test_a_changed_item_goes_alone_and_a_changed_score_alone(school: School) -> None:
    assert school.export().counts == {"line_item": {"sent": 1}, "result": {"sent": 2}}
    assert school.export().writes == 0
    for change in ({"name": "Other"}, {"academic_session_id": "spring"}, {"max_points": "20"}):
        school.teachers.change_item("i1", **change)
        assert school.export().counts == {"line_item": {"sent": 1}}
    school.teachers.change_score("i1", "sam", points="3")
    assert school.export().counts == {"result": {"sent": 1}}


@pytest.mark.rule("IC-078", "IC-109")
def test_categories_make_nothing_due(school: School) -> None:
    school.export()
    school.teachers.category("own", "lit", name="Renamed")
    assert school.export().writes == 0
    school.teachers.change_item("i1", category_id="hw")
    assert school.export().writes == 0


@pytest.mark.rule("IC-077", "IC-081")
def test_what_was_refused_is_due_again(school: School) -> None:
    school.sis.switch_on(PutRefusedForStudent("sam", count=1))
    assert school.export().counts["result"] == {"failed": 1, "sent": 1}
    assert school.export().counts == {"result": {"sent": 1}}


@pytest.mark.rule("IC-076", "IC-093", "IC-094", "IC-095")
def test_deletions_stay_here_and_a_restored_item_keeps_its_id(school: School) -> None:
    school.export()
    first = school.line_items["Item i1"].sourced_id
    school.teachers.change_item("i1", is_deleted="true")
    report = school.export()
    assert (report.writes, school.writes) == (0, [])
    assert report.counts == {"line_item": {"deleted_local": 1}}
    assert school.ledger("i1")["state"] == "deleted_local"
    assert school.pipeline.rows("sync.issues", "code = 'grade.manual_removal_needed'")
    assert school.export().counts == {}, "said once"
    school.teachers.change_item("i1", is_deleted="false")
    school.teachers.change_score("i1", "sam", points="5")
    assert school.export().counts == {"line_item": {"sent": 1}, "result": {"sent": 1}}
    assert school.line_items["Item i1"].sourced_id == first
    school.teachers.change_item("i1", is_deleted="true")
    school.teachers.item("i2", name="Item i1", category_id="own")
    school.export()
    assert len({item.sourced_id for item in school.sis.district.all(LineItem).values()}) == 2


@pytest.mark.rule("IC-093")
def test_a_deleted_score_stays_in_the_sis(school: School) -> None:
    school.export()
    school.teachers.change_score("i1", "sam", is_deleted="true")
    assert school.export().counts == {"result": {"deleted_local": 1}}
    assert school.writes == []
    assert school.ledger("i1|sam")["state"] == "deleted_local"
    school.teachers.change_score("i1", "sam", is_deleted="false")
    assert school.export().counts == {"result": {"sent": 1}}


@pytest.mark.rule("IC-084", "IC-086", "IC-087")
def test_edits_in_the_sis_stay_until_the_gradebook_changes(school: School) -> None:
    school.export()
    item = school.line_items["Item i1"]
    sam = school.results("Item i1")["sam"]
    school.sis.district.change(LineItem, item.sourced_id, title="Edited")
    school.sis.district.change(Result, sam.sourced_id, score=1.0)
    assert school.export().writes == 0
    school.teachers.change_item("i1", description="New words")
    school.teachers.change_score("i1", "sam", points="11")
    school.export()
    assert {request.path.rsplit("/", 1)[1] for request in school.writes} == {item.sourced_id, sam.sourced_id}
    assert school.results("Item i1")["sam"].score == 11


@pytest.mark.rule("IC-085", "IC-088", "IC-091", "IC-106")
def test_without_session_nothing_goes(school: School) -> None:
    school.export()
    school.teachers.change_item("i1", academic_session_id=None, name="Other")
    school.teachers.change_score("i1", "sam", points="1")
    assert school.export().writes == 0
    assert school.reason("i1") == "no_academic_session"


@pytest.mark.rule("IC-089", "IC-117", "IC-118")
def test_an_export_may_be_limited_to_a_class_or_a_session(school: School) -> None:
    school.teachers.item("m1", "math")
    school.teachers.item("m2", "math", academic_session_id="spring")
    assert school.export(trigger="on_demand", classes=("math",), sessions=("spring",)).writes == 1
    assert [body["title"] for body in school.put("lineItems")] == ["Item m2"]
    school.export(trigger="on_demand", classes=("math",))
    assert [body["title"] for body in school.put("lineItems")] == ["Item m1"]


@pytest.mark.rule("IC-108", "IC-111")
@pytest.mark.parametrize(
    ("category", "values", "reason"),
    [
        (None, {}, "category_missing"),
        ("ghost", {}, "category_unknown"),
        ("own", {"sis_enabled": "false"}, "category_not_enabled"),
    ],
)
def test_the_category_decides_whether_an_item_may_go(
    school: School, category: str | None, values: dict[str, Any], reason: str
) -> None:
    school.teachers.change_item("i1", category_id=category)
    school.teachers.category("own", "lit", name="My own", **values)
    assert school.export().writes == 0
    assert school.reason("i1") == reason


@pytest.mark.rule("IC-110", "IC-112", "IC-113", "IC-114")
def test_only_known_sessions_and_managed_courses(school: School) -> None:
    school.teachers.item("winter", category_id="own", academic_session_id="winter")
    school.teachers.category("own", "by-hand", name="My own")
    school.teachers.item("manual", "by-hand", category_id="own")
    school.export()
    assert (school.reason("winter"), school.reason("manual")) == (
        "academic_session_unknown",
        "class_not_in_school_year",
    )
    assert [body["title"] for body in school.put("lineItems")] == ["Item i1"]
    assert school.pipeline.row("grades.items", "item_id = 'i1'")["academic_session_title"] == "Fall"


@pytest.mark.rule("IC-051")
def test_there_are_no_categories_to_take_over(school: School) -> None:
    with pytest.raises(ExportRefusedError) as refusal:
        sync_categories(
            school.pipeline.warehouse, school.pipeline.home, SOURCE, YEAR, school.pipeline.settings, ["lit"]
        )
    assert refusal.value.code == "not_supported_by_sis"
    assert not [request for request in school.sis.requests if "categories" in request.path]

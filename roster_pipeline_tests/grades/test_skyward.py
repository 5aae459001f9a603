"""What goes from a gradebook to Skyward, item by item and score by score."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from roster_pipeline.sandbox.objects import LineItem, Result
from roster_pipeline.sandbox.sis.faults.writes import DeleteWithoutEffect, PutRefusedForStudent
from roster_pipeline_tests.grades.school import CHANGED, School

ITEM_KEYS = {
    "sourcedId",
    "status",
    "dateLastModified",
    "title",
    "description",
    "assignDate",
    "dueDate",
    "class",
    "category",
    "gradingPeriod",
    "resultValueMin",
    "resultValueMax",
}
RESULT_KEYS = {
    "sourcedId",
    "status",
    "dateLastModified",
    "lineItem",
    "student",
    "scoreStatus",
    "score",
    "scoreDate",
    "comment",
}


def graded(school: School, **item: Any) -> None:
    """An item with two scores."""
    school.teachers.item("i1", **item)
    school.teachers.score("i1", "sam", "8", comment="Good")
    school.teachers.score("i1", "sue", "9.5")


@pytest.mark.rule("SK-054", "SK-057", "SK-058", "SK-059", "SK-060", "SK-061", "SK-062", "SK-063", "SK-097", "SK-099")
def test_a_line_item_carries_what_the_guide_names_and_nothing_else(school: School) -> None:
    graded(school, name="  Unit 3   quiz ", description="<p>Fractions &amp; more</p>", max_points="20")
    school.export()
    (body,) = school.put("lineItems")
    assert set(body) == ITEM_KEYS
    assert body["title"] == "Unit 3 quiz"
    assert body["description"] == "Fractions & more"
    assert (body["resultValueMin"], body["resultValueMax"]) == (0, 20)
    assert body["assignDate"] == body["dueDate"] == "2026-11-20T00:00:00.000Z"
    assert body["category"]["sourcedId"] == "homework"
    assert body["class"]["sourcedId"] == "lit"
    assert body["gradingPeriod"]["sourcedId"] == "fall"
    assert len(school.put("results")) == 2


@pytest.mark.rule("SK-070", "SK-071", "SK-072", "SK-074")
def test_a_result_carries_number_comment_and_date(school: School) -> None:
    graded(school)
    school.teachers.change_score("i1", "sam", last_modified="2026-11-21T03:30:00Z")
    school.export()
    by_student = {body["student"]["sourcedId"]: body for body in school.put("results")}
    sam, sue = by_student["sam"], by_student["sue"]
    assert set(sam) == RESULT_KEYS
    assert set(sue) == RESULT_KEYS - {"comment"}
    assert isinstance(sam["score"], float)
    assert (sam["score"], sam["scoreStatus"], sam["comment"]) == (8, "fully graded", "Good")
    assert sam["scoreDate"] == "2026-11-20", "half past three in the morning, UTC, is the evening before in Chicago"
    assert sam["lineItem"]["sourcedId"] == school.put("lineItems")[0]["sourcedId"]


@pytest.mark.rule("SK-064", "SK-065", "SK-066", "SK-067")
def test_the_due_date_is_the_activitys_then_its_end_then_the_sessions(school: School) -> None:
    expected: dict[str, str] = {}
    for due, end, sent in [
        ("2026-11-20", "2026-11-25", "2026-11-20"),
        (None, "2026-11-25", "2026-11-25"),
        (None, None, "2026-12-20"),
        # One minute to midnight in Chicago.
        ("2026-11-21T05:59:00.000Z", None, "2026-11-20"),
    ]:
        item = school.teachers.item(f"{due}/{end}", activity_due_date=due, activity_end_date=end)
        expected[f"Item {item}"] = f"{sent}T00:00:00.000Z"
    school.export()
    assert {body["title"]: body["dueDate"] for body in school.put("lineItems")} == expected
    assert all(body["assignDate"] == body["dueDate"] for body in school.put("lineItems"))


@pytest.mark.rule("SK-068", "SK-069", "SK-076", "SK-079")
def test_four_types_of_items_go_and_no_others(school: School) -> None:
    going = ["Numeric", "Selectbox", "SelectBox", "Formula", "Pass/Fail", "PassFail"]
    staying = ["Calculated", "Text", "FinalCalculated", "FinalAdjusted", "Category", ""]
    for type_ in [*going, *staying]:
        school.teachers.item(type_, type=type_)
        school.teachers.score(type_, "sam", "8")
    school.teachers.items[""]["item_id"] = school.teachers.scores["", "sam"]["item_id"] = "untyped"
    school.teachers.item("standard", grading_mode="standards")
    report = school.export()
    assert report.counts == {"line_item": {"sent": len(going)}, "result": {"sent": len(going)}}
    assert {body["title"] for body in school.put("lineItems")} == {f"Item {type_}" for type_ in going}
    for item in ["Calculated", "Text", "FinalCalculated", "FinalAdjusted", "Category", "untyped"]:
        assert school.reason(item) == "type_not_supported"
        assert school.score_reason(item, "sam") == "item_not_eligible"
    assert school.reason("standard") == "standards_based"


@pytest.mark.rule("SK-073", "SK-078")
def test_an_exempt_score_says_so_and_an_unexempt_one_is_sent_again(school: School) -> None:
    graded(school)
    school.teachers.score("i1", "sue", None, is_exempt="true")
    school.export()
    assert {result.score_status for result in school.results("Item i1").values()} == {"exempt", "fully graded"}
    assert (school.results("Item i1")["sue"].score_status, school.results("Item i1")["sue"].score) == ("exempt", 0)
    school.teachers.change_score("i1", "sue", is_exempt="false", points="7")
    assert school.export().counts == {"result": {"sent": 1}}
    assert (school.results("Item i1")["sue"].score_status, school.results("Item i1")["sue"].score) == (
        "fully graded",
        7,
    )


@pytest.mark.rule("SK-075")
def test_a_score_above_the_maximum_goes_unchanged(school: School) -> None:
    graded(school)
    school.teachers.change_score("i1", "sam", points="12")
    school.export()
    assert school.results("Item i1")["sam"].score == 12


@pytest.mark.rule("SK-063", "SK-077", "SK-080")
def test_what_is_not_sent_makes_nothing_due(school: School) -> None:
    graded(school)
    school.export()
    school.teachers.change_item(
        "i1", include_in_final="false", assigned_by="tom", last_modified="2026-11-22T08:00:00Z", assessment_type="quiz"
    )
    school.teachers.change_score("i1", "sam", is_submitted="false")
    assert school.export().writes == 0
    assert school.writes == []


@pytest.mark.rule("SK-081", "SK-082", "SK-088")
def test_a_changed_item_goes_once_and_its_scores_with_it(school: School) -> None:
    changes = [
        {"name": "Another name"},
        {"academic_session_id": "spring", "activity_due_date": "2027-02-01"},
        {"max_points": "12"},
        {"description": "Other words"},
        {"activity_due_date": "2026-11-21"},
    ]
    for position in range(len(changes) + 1):
        school.teachers.item(f"i{position}")
        school.teachers.score(f"i{position}", "sam", "8")
    school.export()
    for position, change in enumerate(changes):
        school.teachers.change_item(f"i{position}", **change)
    report = school.export()
    assert report.counts == {"line_item": {"sent": len(changes)}, "result": {"sent": len(changes)}}
    assert {(line["kind"], line["reason"]) for line in school.lines(report)} == {
        ("line_item", "changed"),
        ("result", "parent_changed"),
    }
    assert school.export().writes == 0


@pytest.mark.rule("SK-084", "SK-088")
def test_a_renamed_category_sends_items_and_scores_again(school: School) -> None:
    graded(school)
    school.teachers.item("i2", "math", category_id="hw")
    school.export()
    school.teachers.category("hw", "lit", name="Homework and more", sis_category_id="homework")
    assert school.export().counts == {"line_item": {"sent": 1}, "result": {"sent": 2}}


@pytest.mark.rule("SK-085", "SK-086")
def test_a_changed_score_goes_once_under_its_id(school: School) -> None:
    graded(school)
    school.export()
    first = school.results("Item i1")["sam"].sourced_id
    school.teachers.change_score("i1", "sam", points="9", last_modified="2026-11-22T15:00:00Z")
    assert school.export().counts == {"result": {"sent": 1}}
    (body,) = school.put("results")
    assert (body["sourcedId"], body["score"]) == (first, 9)


@pytest.mark.rule("SK-083", "SK-087")
def test_a_refused_score_is_due_the_next_night(school: School) -> None:
    graded(school)
    fault = PutRefusedForStudent("sam", count=1)
    school.sis.switch_on(fault)
    assert school.export().counts == {"line_item": {"sent": 1}, "result": {"failed": 1, "sent": 1}}
    assert "422" in school.ledger("i1|sam")["last_error"]
    assert fault.refused == 1, "a refused write is not repeated within the run"
    assert school.export().counts == {"result": {"sent": 1}}
    assert school.ledger("i1|sam")["last_error"] is None


@pytest.mark.rule("SK-091", "SK-094")
def test_an_edit_in_the_sis_stays_until_the_gradebook_changes(school: School) -> None:
    graded(school)
    school.export()
    there = school.line_items["Item i1"]
    school.sis.district.change(LineItem, there.sourced_id, title="Edited in Skyward")
    result = next(iter(school.sis.district.all(Result).values()))
    school.sis.district.change(Result, result.sourced_id, score=1.0)
    assert school.export().writes == 0
    assert "Edited in Skyward" in school.line_items
    school.teachers.change_item("i1", max_points="11")
    school.export()
    assert "Item i1" in school.line_items
    assert school.sis.district.get(Result, result.sourced_id).score != 1.0


@pytest.mark.rule("SK-089", "SK-093")
def test_assignments_of_the_sis_are_neither_read_nor_touched(school: School) -> None:
    graded(school)
    school.sis.district.put(
        LineItem(
            sourced_id="theirs",
            date_last_modified=CHANGED,
            title="Born in Skyward",
            assign_date=CHANGED,
            due_date=CHANGED,
            class_sourced_id="lit",
            result_value_min=0,
            result_value_max=5,
        )
    )
    school.export()
    assert {row["name"] for row in school.pipeline.rows("grades.items")} == {"Item i1"}
    ours = {row["sourced_id"] for row in school.pipeline.rows("grades.export_ledger", school_year=None)}
    assert {request.path.rsplit("/", 1)[1] for request in school.writes} <= ours
    assert school.line_items["Born in Skyward"].result_value_max == 5


@pytest.mark.rule("SK-092", "SK-098", "SK-113")
def test_taking_the_session_off_an_item_stops_it_and_its_scores(school: School) -> None:
    graded(school)
    school.export()
    school.teachers.change_item("i1", academic_session_id=None)
    school.teachers.change_score("i1", "sam", points="1")
    assert school.export().writes == 0
    assert school.reason("i1") == "no_academic_session"
    assert school.results("Item i1")["sam"].score == 8


@pytest.mark.rule("SK-095")
def test_an_item_goes_once_it_has_category_and_session(school: School) -> None:
    graded(school, category_id=None, academic_session_id=None)
    assert school.export().writes == 0
    assert school.reason("i1") == "category_missing"
    school.teachers.change_item("i1", category_id="hw", academic_session_id="fall")
    assert school.export().counts["line_item"] == {"sent": 1}


@pytest.mark.rule("SK-096")
def test_only_classes_with_exportable_items_are_written(school: School) -> None:
    graded(school)
    school.teachers.item("i2", "math", academic_session_id=None)
    school.export()
    assert {body["class"]["sourcedId"] for body in school.put("lineItems")} == {"lit"}


@pytest.mark.rule("SK-100")
def test_deleting_sends_deletes_that_skyward_does_not_carry_out(school: School) -> None:
    graded(school)
    school.export()
    school.sis.switch_on(DeleteWithoutEffect())
    school.teachers.change_item("i1", is_deleted="true")
    report = school.export()
    assert report.counts == {"line_item": {"deleted": 1}, "result": {"deleted": 2}}
    assert [request.path.split("/")[-2] for request in school.writes] == ["results", "results", "lineItems"]
    assert school.ledger("i1")["state"] == "deleted_sent"
    warnings = school.pipeline.rows("sync.issues", "code = 'grade.manual_removal_needed'")
    assert {row["kind"] for row in warnings} == {"line item", "result"}
    assert school.export().writes == 0, "a delete is sent once"


@pytest.mark.rule("SK-082", "SK-101")
def test_a_restored_item_and_its_scores_go_under_their_old_ids(school: School) -> None:
    graded(school)
    school.export()
    before = {
        row["local_id"]: row["sourced_id"] for row in school.pipeline.rows("grades.export_ledger", school_year=None)
    }
    school.teachers.change_item("i1", is_deleted="true")
    school.export()
    assert school.line_items == {}
    school.teachers.change_item("i1", is_deleted="false")
    assert school.export().counts == {"line_item": {"sent": 1}, "result": {"sent": 2}}
    after = {
        row["local_id"]: row["sourced_id"] for row in school.pipeline.rows("grades.export_ledger", school_year=None)
    }
    assert after == before
    assert school.line_items["Item i1"].sourced_id == before["i1"]


@pytest.mark.rule("SK-102")
def test_a_created_anew_item_is_a_new_assignment(school: School) -> None:
    graded(school, name="Quiz")
    school.export()
    first = school.line_items["Quiz"].sourced_id
    school.teachers.change_item("i1", is_deleted="true")
    school.teachers.item("i2", name="Quiz")
    school.export()
    assert school.line_items["Quiz"].sourced_id != first


@pytest.mark.parametrize("gone", [{"is_deleted": "true"}, {"points": None}])
def test_a_score_taken_back_is_deleted_and_may_return(school: School, gone: dict[str, Any]) -> None:
    graded(school)
    school.export()
    school.teachers.change_score("i1", "sam", **gone)
    assert school.export().counts == {"result": {"deleted": 1}}
    assert set(school.results("Item i1")) == {"sue"}
    school.teachers.change_score("i1", "sam", is_deleted="false", points="6")
    assert school.export().counts == {"result": {"sent": 1}}
    assert school.results("Item i1")["sam"].score == 6


@pytest.mark.rule("SK-055", "SK-115", "SK-120")
def test_the_category_must_come_from_the_sis_and_be_enabled(school: School) -> None:
    graded(school, category_id="own")
    school.teachers.item("i2", category_id="off")
    school.teachers.category("off", "lit", name="Tests", sis_category_id="tests", sis_enabled="false")
    assert school.export().writes == 0
    assert (school.reason("i1"), school.reason("i2")) == ("category_not_sis", "category_not_enabled")
    assert not [request for request in school.sis.requests if "categories" in request.path]


@pytest.mark.rule("SK-108", "SK-119", "SK-123")
@pytest.mark.parametrize(
    ("session", "class_", "reason"),
    [
        ("fall", "lit", None),
        (None, "lit", "no_academic_session"),
        ("fall", "by-hand", "class_not_in_school_year"),
        (None, "by-hand", "class_not_in_school_year"),
    ],
)
def test_an_item_needs_a_session_and_a_managed_course(
    school: School, session: str | None, class_: str, reason: str | None
) -> None:
    school.teachers.category("hw", class_, name="Homework", sis_category_id="homework")
    school.teachers.item("i1", class_, academic_session_id=session)
    school.export()
    assert school.reason("i1") == reason
    assert len(school.writes) == (reason is None)


@pytest.mark.rule("SK-119", "SK-122", "SK-123", "IC-110", "IC-113", "IC-114")
@pytest.mark.parametrize("policy", ["skyward", "infinite_campus"])
def test_a_class_that_was_never_delivered_is_not_managed(school_with: Callable[..., School], policy: str) -> None:
    school = school_with(policy=policy)
    graded(school)
    with school.pipeline.warehouse.transaction("maple", "2026-2027") as session:
        session.execute("DELETE FROM sync.mappings WHERE kind = 'course_offering' AND sourced_id = 'lit'")
    assert school.export().writes == 0
    assert school.reason("i1") == "class_not_managed"


@pytest.mark.rule("SK-121")
def test_a_session_that_the_sis_does_not_send_is_a_failure_somebody_hears_of(school: School) -> None:
    graded(school, academic_session_id="winter")
    assert school.export().writes == 0
    assert school.reason("i1") == "academic_session_unknown"
    (issue,) = school.pipeline.rows("sync.issues", "code = 'grade.session_unknown'")
    assert issue["severity"] == "error"


@pytest.mark.rule("SK-112", "CF-110", "CF-111")
@pytest.mark.parametrize(("before", "after"), [(0, 0), (3, 2)])
def test_a_night_leaves_courses_out_that_have_not_begun_or_have_ended(
    school_with: Callable[..., School], before: int, after: int
) -> None:
    window = {"enabled": True, "days_before_start": before, "days_after_end": after}
    school = school_with(only_courses_in_progress=window)
    first, last = date(2026, 8, 15), date(2026, 12, 20)
    confirm(school, start_date=str(first), end_date=str(last))
    graded(school)
    opens, closes = first - timedelta(days=before), last + timedelta(days=after)
    for day in (opens - timedelta(days=1), closes + timedelta(days=1)):
        assert school.export(day).writes == 0
        assert school.reason("i1") == "course_not_in_progress"
    assert school.export(opens).counts["line_item"] == {"sent": 1}
    school.teachers.change_score("i1", "sam", points="1")
    assert school.export(closes).counts == {"result": {"sent": 1}}


@pytest.mark.rule("SK-111", "CF-109")
def test_a_night_leaves_inactive_courses_out_where_the_settings_say_so(school_with: Callable[..., School]) -> None:
    school = school_with()
    confirm(school, is_active=False)
    graded(school)
    assert school.export().counts["line_item"] == {"sent": 1}
    school.configure(only_active_courses=True)
    school.teachers.change_score("i1", "sam", points="1")
    assert school.export().writes == 0
    assert school.reason("i1") == "course_inactive"


def confirm(school: School, **fields: Any) -> None:
    """Let the class's course offering have other fields in Brightspace."""

    with school.pipeline.warehouse.transaction("maple", "2026-2027") as session:
        session.execute(
            "UPDATE sync.mappings SET fields = json_merge_patch(fields, $fields::JSON) "
            "WHERE kind = 'course_offering' AND sourced_id = 'lit'",
            {"fields": json.dumps(fields)},
        )


def test_a_pupil_who_is_not_in_the_class_is_left_out(school: School) -> None:
    graded(school)
    school.teachers.score("i1", "pat", "5")
    school.teachers.score("ghost", "sam", "5")
    assert school.export().counts["result"] == {"sent": 2}
    assert school.score_reason("i1", "pat") == "student_not_in_class"
    assert school.score_reason("ghost", "sam") == "item_unknown"


def test_scores_wait_for_an_item_that_was_refused(school: School) -> None:
    graded(school)
    school.teachers.category("hw", "lit", name="Homework", sis_category_id="unknown-to-the-sis")
    report = school.export()
    assert report.counts == {"line_item": {"failed": 1}, "result": {"parent_failed": 2}}
    assert len(school.writes) == 1
    school.teachers.category("hw", "lit", name="Homework", sis_category_id="homework")
    assert school.export().counts == {"line_item": {"sent": 1}, "result": {"sent": 2}}


def test_what_is_refused_three_times_is_reported_and_tried_on(school: School) -> None:
    graded(school)
    school.sis.switch_on(PutRefusedForStudent("sam", count=None))
    for _ in range(3):
        school.export()
    (issue,) = school.pipeline.rows("sync.issues", "code = 'grade.stuck'")
    assert "3 times" in issue["message"]
    assert school.export().counts == {"result": {"failed": 1}}

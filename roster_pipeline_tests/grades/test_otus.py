"""The passback from Otus to Skyward."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
import yaml

from roster_pipeline.grades.categories import list_for_export
from roster_pipeline.grades.connect import gradebook_folder
from roster_pipeline.grades.gradebook import Gradebook
from roster_pipeline.grades.policy import load_policy
from roster_pipeline.grades.scope import ExportRefusedError
from roster_pipeline.sandbox.objects import Class, LineItem
from roster_pipeline.sandbox.sis.faults.writes import PutClosedPeriod
from roster_pipeline.settings import SettingsError
from roster_pipeline_tests.grades.school import School
from roster_pipeline_tests.pipeline import DAY, SOURCE, YEAR

ASSESSMENT_TYPES = load_policy("otus").assessment_types or []
#: All types but one go to one generic category.
MAP = {**dict.fromkeys(ASSESSMENT_TYPES, "homework"), "test": "tests"}


def otus(**changes: Any) -> dict[str, Any]:
    """`grade_export` of a district that uses Otus."""
    section = {"teacher_group": ["tina", "ada"], "category_map": MAP, "effective_date": "2026-10-01", **changes}
    return {"policy": "otus", "otus": section, "skyward": {"use_grade_setting_unchecked": True}}


@pytest.fixture
def otus_school(school_with: Callable[..., School]) -> Callable[..., School]:
    """Makes a school with the Otus policy whose connection has been tested."""

    def make(**changes: Any) -> School:
        school = school_with(**otus(**changes))
        school.pass_connection_test()
        return school

    return make


@pytest.fixture
def school(otus_school: Callable[..., School]) -> School:
    """A school with the Otus policy."""
    return otus_school()


def assess(school: School, item: str = "i1", **values: Any) -> str:
    """An assessment of the second quarter with one score."""
    defaults = {"academic_session_id": "q2", "category_id": None, "type": None}
    school.teachers.item(item, **{**defaults, **values})
    school.teachers.score(item, "sam", "8")
    return item


@pytest.mark.rule("OT-001", "OT-002", "OT-005", "OT-006", "OT-008")
def test_points_based_graded_assessments_that_count_go(school: School) -> None:
    assess(school, "ok", name="x" * 49)
    assess(school, "long", name="x" * 50)
    assess(school, "standard", grading_mode="Standards")
    assess(school, "formative", include_in_final="false")
    assess(school, "ungraded", activity_due_date="2026-12-01")
    school.teachers.score("ungraded", "sam", None, is_submitted="true")
    report = school.export()
    assert report.counts == {"line_item": {"sent": 1}, "result": {"sent": 1}}
    reasons = {item: school.reason(item) for item in ("long", "standard", "formative", "ungraded")}
    assert reasons == {
        "long": "name_too_long",
        "standard": "standards_based",
        "formative": "not_in_final_grade",
        "ungraded": "not_graded",
    }
    (body,) = school.put("lineItems")
    assert not {"weight", "weightMultiplier"} & set(body)


@pytest.mark.rule("OT-004")
@pytest.mark.parametrize(
    ("scope", "points", "maximum", "goes"),
    [
        ("score_and_max", "8", "10", True),
        ("score_and_max", "8.5", "10", False),
        ("score_and_max", "8", "10.5", False),
        ("max_only", "8.5", "10", True),
        ("max_only", "8", "10.5", False),
    ],
)
def test_whole_numbers(otus_school: Callable[..., School], scope: str, points: str, maximum: str, goes: bool) -> None:
    school = otus_school(whole_number_scope=scope)
    assess(school, max_points=maximum)
    school.teachers.change_score("i1", "sam", points=points)
    school.export()
    assert bool(school.put("results")) == goes


@pytest.mark.rule("OT-007")
def test_excluded_scores_stay(school: School) -> None:
    assess(school)
    school.teachers.score("i1", "sue", "5", is_exempt="true")
    school.export()
    assert [body["student"]["sourcedId"] for body in school.put("results")] == ["sam"]
    assert school.score_reason("i1", "sue") == "excluded"


@pytest.mark.rule("OT-009")
def test_missing_work_is_zero_once_the_due_date_has_passed(school: School) -> None:
    assess(school, activity_due_date="2026-11-23")
    school.teachers.score("i1", "sue", None, is_submitted="false")
    assert school.export(date(2026, 11, 23)).counts["result"] == {"sent": 1}
    assert school.export(date(2026, 11, 24)).counts == {"result": {"sent": 1}}
    assert (school.results("Item i1")["sue"].score, school.results("Item i1")["sue"].score_status) == (
        0,
        "fully graded",
    )
    school.teachers.score("i1", "sue", "7")
    assert school.export(date(2026, 11, 25)).counts == {"result": {"sent": 1}}
    assert school.results("Item i1")["sue"].score == 7


@pytest.mark.rule("OT-011", "OT-013")
def test_nothing_starts_before_the_skyward_setting_is_confirmed(school_with: Callable[..., School]) -> None:
    school = school_with(**{**otus(), "skyward": {"use_grade_setting_unchecked": False}})
    assess(school)
    with pytest.raises(ExportRefusedError, match="District Setup > Configuration > API Configuration"):
        school.export()
    assert school.writes == []


def mistake(school: School, **changes: Any) -> str:
    """What is wrong with a source file whose `otus` has these values."""
    path = school.pipeline.home.sources / f"{SOURCE}.yaml"
    document = yaml.safe_load(path.read_text("utf-8"))
    document["grade_export"] |= otus(**changes)
    path.write_text(yaml.safe_dump(document), "utf-8")
    with pytest.raises(SettingsError) as error:
        _ = school.pipeline.settings
    return str(error.value)


@pytest.mark.rule("OT-015")
def test_eleven_of_twelve_types_are_not_enough(school_with: Callable[..., School]) -> None:
    school = school_with()
    assert len(ASSESSMENT_TYPES) == 12
    assert "each of the 12 types" in mistake(school, category_map={})
    eleven = dict.fromkeys(ASSESSMENT_TYPES[1:], "homework")
    assert f"missing: {ASSESSMENT_TYPES[0]}" in mistake(school, category_map=eleven)
    assert f"missing: {ASSESSMENT_TYPES[0]}" in mistake(school, category_map={**eleven, ASSESSMENT_TYPES[0]: ""})
    strange = mistake(school, category_map={**MAP, "Survey": "homework"})
    assert "survey, which is no type of assessment" in strange
    assert "otus.assessment_types" in strange


@pytest.mark.rule("OT-015")
def test_a_district_lists_the_types_that_its_otus_has(school_with: Callable[..., School]) -> None:
    school = school_with()
    assert "test_1 more than once" in mistake(school, assessment_types=["Test 1", "test-1"])
    types = ["Test", "Bell Ringer!"]
    assert "missing: bell_ringer" in mistake(school, assessment_types=types, category_map={"Test": "tests"})
    school.configure(**otus(assessment_types=types, category_map={"Test": "tests", "bell ringer": "homework"}))
    school.pass_connection_test()
    assess(school, "a", assessment_type="Bell Ringer!")
    assess(school, "b", assessment_type="Quiz")
    school.export()
    assert [body["category"]["sourcedId"] for body in school.put("lineItems")] == ["homework"]
    assert school.reason("b") == "category_unmapped"


@pytest.mark.rule("OT-015", "OT-019")
def test_the_category_comes_from_the_type(school: School) -> None:
    assess(school, "a", assessment_type="Exit Ticket")
    assess(school, "b", assessment_type="Quiz")
    assess(school, "c", assessment_type="Test")
    assess(school, "d", assessment_type="Survey")
    school.export()
    sent = {body["title"]: body["category"]["sourcedId"] for body in school.put("lineItems")}
    assert sent == {"Item a": "homework", "Item b": "homework", "Item c": "tests"}
    assert school.reason("d") == "category_unmapped"


@pytest.mark.rule("OT-018")
def test_a_teachers_own_category_in_the_sis_survives(school: School) -> None:
    assess(school)
    school.export()
    there = school.line_items["Item i1"]
    school.sis.district.change(LineItem, there.sourced_id, category_sourced_id="tests")
    school.teachers.change_item("i1", description="Other words")
    school.export()
    assert school.line_items["Item i1"].category_sourced_id == "tests"
    school.configure(**otus(category_map=dict.fromkeys(ASSESSMENT_TYPES, "tests")))
    school.sis.district.change(LineItem, there.sourced_id, category_sourced_id="homework")
    assert school.export().counts == {"line_item": {"sent": 1}}
    assert school.line_items["Item i1"].category_sourced_id == "tests"


@pytest.mark.rule("OT-020", "OT-021", "OT-022")
@pytest.mark.parametrize(
    ("effective", "day", "reason"),
    [
        ("2026-11-24", DAY, "before_effective_date"),
        ("2026-11-23", DAY, "before_effective_date"),
        ("2026-11-21", DAY, "before_effective_date"),
        ("2026-11-20", DAY, None),
        ("2026-10-16", DAY, None),
        ("2026-10-16", date(2026, 10, 15), "before_effective_date"),
    ],
)
def test_nothing_from_before_the_effective_date_goes(
    otus_school: Callable[..., School], effective: str, day: date, reason: str | None
) -> None:
    school = otus_school(effective_date=effective)
    assess(school, assigned_date="2026-11-10")
    school.export(day)
    assert school.reason("i1") == reason
    assert bool(school.writes) == (reason is None)


@pytest.mark.rule("OT-021", "OT-022", "OT-023", "OT-026")
def test_only_the_open_grading_period_counts(school: School) -> None:
    assess(school, "open", activity_due_date="2026-12-20", assigned_date="2026-10-16")
    assess(school, "closed", academic_session_id="q1", activity_due_date="2026-10-01", assigned_date="2026-09-20")
    assess(school, "straddles", assigned_date="2026-10-15")
    assess(school, "future", academic_session_id="spring", activity_due_date="2027-02-01")
    assess(school, "late", activity_due_date="2026-12-21")
    school.export()
    reasons = {item: school.reason(item) for item in ("open", "closed", "straddles", "future", "late")}
    assert reasons == {
        "open": None,
        "closed": "closed_grading_period",
        "straddles": "closed_grading_period",
        "future": "outside_current_grading_period",
        "late": "outside_current_grading_period",
    }


@pytest.mark.rule("OT-023")
def test_an_assessment_of_a_term_must_not_touch_a_closed_quarter_of_it(school: School) -> None:
    dates = {"inside": ("2026-10-16", "2026-11-20"), "straddles": ("2026-10-15", "2026-11-20"),
             "before": ("2026-09-20", "2026-10-01")}  # fmt: skip
    for item, (assigned, due) in dates.items():
        assess(school, item, academic_session_id="fall", assigned_date=assigned, activity_due_date=due)
    school.export()
    assert {item: school.reason(item) for item in dates} == {
        "inside": None,
        "straddles": "closed_grading_period",
        "before": "closed_grading_period",
    }


@pytest.mark.rule("OT-023")
def test_what_the_sis_refuses_for_good_is_given_up(school: School) -> None:
    assess(school)
    school.sis.switch_on(PutClosedPeriod())
    for _ in range(3):
        assert school.export().counts["line_item"] == {"failed": 1}
    assert school.export().counts["line_item"] == {"stuck": 1}
    assert school.writes == []
    assert school.pipeline.rows("sync.issues", "code = 'grade.stuck'")
    school.teachers.change_item("i1", name="Other")
    assert school.export().counts["line_item"] == {"failed": 1}, "what was changed is tried again"


@pytest.mark.rule("OT-024", "OT-025", "OT-028", "OT-029", "OT-030")
def test_only_who_is_in_the_group_and_in_the_sis_passes_back(school: School) -> None:
    for who in ("tina", "tom", "ada", "stranger"):
        assess(school, who, assigned_by=who)
    school.configure(**otus(teacher_group=["tina", "ada", "stranger"]))
    school.export()
    assert {who: school.reason(who) for who in ("tina", "tom", "ada", "stranger")} == {
        "tina": None,
        "tom": "assigner_not_in_group",
        "ada": None,
        "stranger": "assigner_not_in_sis",
    }
    school.configure(**otus(teacher_group=["tina", "ada", "tom"]))
    school.export()
    assert [body["title"] for body in school.put("lineItems")] == ["Item tom"]


def listed(school: School) -> None:
    """Look the SIS's categories up, as every export with this policy does first."""
    home = school.pipeline.home
    school.teachers.write(home.root / "gradebook")
    reading = Gradebook(gradebook_folder(home, SOURCE, YEAR), [])
    list_for_export(school.pipeline.warehouse, SOURCE, YEAR, school.pipeline.settings, reading)


@pytest.mark.rule("OT-016")
def test_a_mapped_category_must_be_one_of_the_district(school: School) -> None:
    assess(school)
    school.export()
    listed(school)
    school.configure(**otus(category_map={**MAP, "lab": "school-labs"}))
    with pytest.raises(ExportRefusedError, match="school-labs"):
        listed(school)


@pytest.mark.rule("OT-017")
def test_a_category_that_is_not_in_the_teachers_gradebook_keeps_the_item_back(school: School) -> None:
    assess(school, assessment_type="test")
    school.sis.district.change(Class, "lit", category_sourced_ids=("homework",))
    school.export()
    listed(school)
    school.teachers.change_item("i1", name="Other")
    assert school.export().writes == 0
    assert school.reason("i1") == "category_not_active_for_class"
    school.sis.district.change(Class, "lit", category_sourced_ids=("homework", "tests"))
    listed(school)
    assert school.export().writes == 1


@pytest.mark.rule("OT-027")
def test_a_teacher_who_joins_in_the_middle_of_a_period_is_told_of_once(otus_school: Callable[..., School]) -> None:
    school = otus_school(teacher_group=["tina"])
    school.export(date(2026, 10, 16))
    assert school.pipeline.rows("sync.issues", "code = 'grade.teacher_added_mid_period'") == []
    school.configure(**otus(teacher_group=["tina", "tom"]))
    school.export()
    school.export()
    (issue,) = school.pipeline.rows("sync.issues", "code = 'grade.teacher_added_mid_period'")
    assert (issue["sourced_id"], issue["severity"]) == ("tom", "warning")


@pytest.mark.rule("OT-014")
@pytest.mark.parametrize("key", ["client_id", "client_secret", "endpoint_url"])
def test_key_secret_and_address_are_needed(school: School, key: str) -> None:
    path = school.pipeline.home.sources / f"{SOURCE}.yaml"
    document = yaml.safe_load(path.read_text("utf-8"))
    connection = document["connection"]
    del (connection if key == "endpoint_url" else connection["auth"])[key]
    path.write_text(yaml.safe_dump(document), "utf-8")
    with pytest.raises(SettingsError, match=key) as error:
        _ = school.pipeline.settings
    assert school.sis.client_secret not in str(error.value)

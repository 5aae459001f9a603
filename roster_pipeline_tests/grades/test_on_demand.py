"""Who may export on demand, what goes then, and what the history tells of it; how exports stop at year end."""

from collections.abc import Callable
from typing import Any

import pytest

from roster_pipeline.grades.history import history, run_detail
from roster_pipeline.grades.scope import ExportRefusedError
from roster_pipeline.sandbox.sis.faults.setup import CategoryOptional
from roster_pipeline.sandbox.sis.faults.writes import PutRefusedForStudent
from roster_pipeline_tests.grades.school import School
from roster_pipeline_tests.pipeline import SOURCE, YEAR

BOTH_POLICIES = pytest.mark.parametrize("policy", ["skyward", "infinite_campus"])


def graded(school: School) -> None:
    """Two classes with an item and a score each."""
    school.sis.switch_on(CategoryOptional())
    for item, class_, student in (("i1", "lit", "sue"), ("i2", "math", "pat")):
        school.teachers.item(item, class_)
        school.teachers.score(item, student, "8")


def exports(school: School, **options: Any) -> list[dict[str, Any]]:
    """The history as people see it."""
    with school.pipeline.warehouse.transaction(SOURCE, YEAR) as session:
        return history(session, **options)


def detail(school: School, run_id: str) -> dict[str, Any]:
    """One export of the history in full."""
    with school.pipeline.warehouse.transaction(SOURCE, YEAR) as session:
        found = run_detail(session, run_id)
    assert found is not None
    return found


@pytest.mark.rule("SK-107", "SK-108", "SK-110", "IC-100", "IC-101", "IC-103", "CF-107")
@BOTH_POLICIES
def test_a_teacher_needs_the_setting_and_the_permission(school_with: Callable[..., School], policy: str) -> None:
    school = school_with(policy=policy)
    graded(school)
    for on_demand in (True, False):
        for allowed in ([], ["tina"]):
            school.configure(policy=policy, on_demand=on_demand, allowed_users=allowed)
            school.teachers.change_score("i1", "sue", points=str(len(allowed) + 2 * on_demand))
            asked = {"trigger": "on_demand", "requested_by": "tina", "by_operator": False}
            if on_demand and allowed:
                assert school.export(**asked).writes == 4
                continue
            school.sis.service.requests.clear()
            with pytest.raises(ExportRefusedError) as refusal:
                school.export(**asked)
            assert refusal.value.code == ("no_permission" if on_demand else "on_demand_off")
            assert school.writes == []
    refused = [run for run in exports(school) if run["status"] == "refused"]
    assert len(refused) == 3
    assert all(run["requested_by"] == "tina" for run in refused)


@pytest.mark.rule("SK-110", "IC-103")
def test_a_night_needs_no_permission(school: School) -> None:
    graded(school)
    school.configure(on_demand=False, allowed_users=[])
    assert school.export(trigger="nightly").writes == 4


def test_the_operator_needs_no_permission_but_the_setting(school: School) -> None:
    graded(school)
    assert school.export(trigger="on_demand", requested_by="root").writes == 4
    school.configure(on_demand=False)
    with pytest.raises(ExportRefusedError, match="on_demand"):
        school.export(trigger="on_demand", requested_by="root")


@pytest.mark.rule("SK-108", "SK-118", "IC-101")
def test_a_course_made_by_hand_cannot_be_exported(school: School) -> None:
    graded(school)
    with pytest.raises(ExportRefusedError) as refusal:
        school.export(trigger="on_demand", classes=("by-hand",))
    assert refusal.value.code == "class_not_managed"
    assert school.pipeline.rows("sync.audit_log", "sourced_id = 'by-hand'") == []


@pytest.mark.rule("CF-104")
def test_nothing_goes_until_the_export_is_configured(school: School) -> None:
    graded(school)
    school.configure(enabled=False)
    for trigger in ("nightly", "on_demand"):
        with pytest.raises(ExportRefusedError) as refusal:
            school.export(trigger=trigger)
        assert refusal.value.code == "not_enabled"
    assert school.writes == []


@pytest.mark.rule("SK-126", "SK-127", "SK-080", "CF-106", "IC-117", "IC-118")
@BOTH_POLICIES
def test_an_export_is_limited_to_the_class_and_session_asked_for(
    school_with: Callable[..., School], policy: str
) -> None:
    school = school_with(policy=policy)
    graded(school)
    school.teachers.item("i3", "math", academic_session_id="spring")
    school.teachers.score("i3", "pat", "5")
    assert school.export(trigger="on_demand", classes=("lit",)).writes == 2
    assert {body["class"]["sourcedId"] for body in school.put("lineItems")} == {"lit"}
    assert school.export(trigger="on_demand", sessions=("spring",)).writes == 2
    assert [body["title"] for body in school.put("lineItems")] == ["Item i3"]
    assert school.export(trigger="on_demand").writes == 2
    assert school.export(trigger="on_demand").writes == 0


@pytest.mark.rule("SK-128", "IC-119")
@BOTH_POLICIES
def test_the_preview_is_what_is_written_afterwards(school_with: Callable[..., School], policy: str) -> None:
    school = school_with(policy=policy, daily=True)
    graded(school)
    school.teachers.item("i3", "lit", academic_session_id=None)
    asked: dict[str, Any] = {"trigger": "on_demand", "classes": ("lit",)}
    preview = detail(school, school.export(**asked, dry_run=True).run_id)
    assert school.writes == []
    assert preview["scheduled_export"] is True
    done = detail(school, school.export(**asked).run_id)

    def told(run: dict[str, Any]) -> list[tuple[Any, ...]]:
        return [(line["kind"], line["item"], line["student"], line["action"], line["reason"]) for line in run["lines"]]

    assert told(preview) == told(done)
    assert {line["outcome"] for line in preview["lines"]} == {"planned", "skipped"}
    school.configure(policy=policy, daily=False)
    assert detail(school, school.export(**asked, dry_run=True).run_id)["scheduled_export"] is False


@pytest.mark.rule("SK-130", "SK-131", "IC-121", "IC-122")
@BOTH_POLICIES
def test_a_run_tells_course_times_user_students_items_scores_and_errors(
    school_with: Callable[..., School], policy: str
) -> None:
    school = school_with(policy=policy)
    graded(school)
    school.teachers.score("i1", "sam", "7")
    school.teachers.item("i3", "lit", type="Text")
    school.sis.switch_on(PutRefusedForStudent("sam"))
    report = school.export(trigger="on_demand", requested_by="tina", classes=("lit",))
    run = detail(school, report.run_id)
    assert run["courses"] == ["Course lit-LIT/001"]
    assert run["started_at"] <= run["ended_at"]
    assert (run["requested_by"], run["students"], run["items"], run["scores"], run["errors"]) == ("tina", 1, 1, 1, 1)
    (error,) = [line["error"] for line in run["lines"] if line["outcome"] == "failed"]
    assert "422" in error
    (skipped,) = [line for line in run["lines"] if line["outcome"] == "skipped"]
    assert (skipped["item"], skipped["reason"]) == ("Item i3", "type_not_supported")


@pytest.mark.rule("SK-132", "SK-133", "IC-123", "IC-124")
@BOTH_POLICIES
def test_the_history_lists_exports_on_demand_newest_first(school_with: Callable[..., School], policy: str) -> None:
    school = school_with(policy=policy)
    graded(school)
    school.export(trigger="nightly")
    school.export(trigger="on_demand", requested_by="tina")
    school.export(trigger="on_demand", requested_by="tom")
    runs = exports(school)
    assert [run["requested_by"] for run in runs] == ["tom", "tina"]
    assert all(run["started_at"] for run in runs)
    assert [run["trigger"] for run in exports(school, with_nightly=True)] == ["on_demand", "on_demand", "nightly"]


@pytest.mark.rule("SK-109", "SK-111", "IC-102", "IC-104", "IC-105")
@pytest.mark.parametrize("measure", ["inactive", "ended", "no_session", "no_permission"])
@BOTH_POLICIES
def test_each_measure_stops_changes_after_grades_are_final(
    school_with: Callable[..., School], measure: str, policy: str
) -> None:
    school = school_with(policy=policy)
    graded(school)
    school.export()
    school.teachers.change_score("i1", "sue", points="1")
    school.teachers.change_score("i2", "pat", points="1")
    fields: dict[str, Any] = {}
    if measure == "inactive":
        school.configure(policy=policy, only_active_courses=True)
        fields = {"is_active": False}
    elif measure == "ended":
        school.configure(policy=policy, only_courses_in_progress={"enabled": True})
        fields = {"end_date": "2026-11-22"}
    if fields:
        with school.pipeline.warehouse.transaction(SOURCE, YEAR) as session:
            session.execute(
                "UPDATE sync.mappings SET fields = json_merge_patch(fields, to_json($fields)) "
                "WHERE kind = 'course_offering'",
                {"fields": fields},
            )
    if measure == "no_session":
        for item in ("i1", "i2"):
            school.teachers.change_item(item, academic_session_id=None)
    school.sis.service.requests.clear()
    if measure == "no_permission":
        with pytest.raises(ExportRefusedError):
            school.export(trigger="on_demand", requested_by="tina", by_operator=False)
    else:
        assert school.export(dry_run=True).counts.get("result") is None
        assert school.export().writes == 0
    assert school.writes == []
    assert school.results("Item i1")["sue"].score == 8


@pytest.mark.rule("SK-114", "IC-107")
def test_the_switches_are_settings_that_only_people_change(school: School) -> None:
    graded(school)
    school.configure(on_demand=False, only_active_courses=True, only_courses_in_progress={"enabled": True})
    before = school.pipeline.settings.grade_export
    school.export()
    after = school.pipeline.settings.grade_export
    assert after == before
    assert (after.on_demand, after.only_active_courses, after.only_courses_in_progress.enabled) == (False, True, True)


@pytest.mark.rule("SK-124", "IC-115")
def test_the_tables_show_sis_tag_and_term(school: School) -> None:
    graded(school)
    school.export()
    tags = {row["category_id"]: row["sis_category_id"] for row in school.pipeline.rows("grades.categories")}
    assert tags == {"hw": "homework", "own": None}
    terms = {row["academic_session_title"] for row in school.pipeline.rows("grades.items")}
    assert terms == {"Fall"}


@pytest.mark.rule("SK-003")
@pytest.mark.parametrize("trigger", ["nightly", "on_demand"])
def test_a_change_goes_by_night_and_on_demand_alike(school_with: Callable[..., School], trigger: str) -> None:
    school = school_with(policy="skyward", on_demand=True, allowed_users=["tina"])
    graded(school)
    school.export()
    school.teachers.change_score("i1", "sue", points="9")
    school.sis.service.requests.clear()
    school.export(trigger=trigger, requested_by="tina", by_operator=False)
    (result,) = school.put("results")
    assert result["score"] == 9
    assert len(school.writes) == 1

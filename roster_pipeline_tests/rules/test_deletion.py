"""What the SIS deletes or switches off, and what becomes of it in Brightspace."""

from collections.abc import Callable
from typing import Any

import pytest

from roster_pipeline_tests.pipeline import Night, Pipeline
from roster_pipeline_tests.roster_files import RosterFiles, names

Make = Callable[..., Pipeline]


def _delete_class(pipeline: Pipeline, files: RosterFiles) -> Night:
    pipeline.night(files)
    files.change("classes", "lit-1", status="tobedeleted")
    for enrollment in ("e-sam-lit-1", "e-sue-lit-1", "e-tina-lit-1"):
        files.change("enrollments", enrollment, status="tobedeleted")
    return pipeline.night(files)


@pytest.mark.rule("CF-062", "CF-089")
def test_new_offerings_may_be_created_inactive(pipeline_with: Make, files: RosterFiles) -> None:
    pipeline = pipeline_with(courses={"default_status": "inactive"})
    night = pipeline.night(files)
    assert {line["is_active"] for line in night.lines("Offerings")} == {"0"}
    assert {line["is_active"] for line in night.lines("Sections")} == {""}
    assert pipeline.mappings("section")["lit-1"]["fields"]["is_active"] is True


@pytest.mark.rule("CF-064", "CF-090")
def test_new_offerings_are_active_unless_said_otherwise(pipeline: Pipeline, files: RosterFiles) -> None:
    assert pipeline.settings.courses.default_status == "active"
    night = pipeline.night(files)
    assert {line["is_active"] for line in night.lines("Offerings")} == {"1"}


@pytest.mark.rule("CF-063")
@pytest.mark.parametrize("overwrite", [True, False])
def test_an_offering_activated_by_hand_stays_so_until_the_sis_changes_its_status(
    pipeline_with: Make, files: RosterFiles, overwrite: bool
) -> None:
    pipeline = pipeline_with(courses={"default_status": "inactive"}, overwrite={"courses": {"status": overwrite}})
    pipeline.night(files)
    # Nothing is said about the state in later nights, so a person's change of it lasts.
    files.change("courses", "lit", title="Literacy")
    pipeline.night(files)
    changed = pipeline.row("delta.org_units", "org_unit_key = 'course_offering:lit-1'")
    assert changed["changed_fields"] == ["name"]
    files.change("classes", "lit-1", status="inactive")
    pipeline.night(files)
    rows = pipeline.rows("delta.org_units", "org_unit_key = 'course_offering:lit-1'")
    assert [row["changed_fields"] for row in rows] == ([["is_active"]] if overwrite else [])


@pytest.mark.rule("CF-065", "CF-066", "CF-091")
def test_by_default_a_deleted_class_is_left_as_it_is_and_no_longer_managed(
    pipeline: Pipeline, files: RosterFiles
) -> None:
    assert pipeline.settings.courses.on_delete == "nothing"
    night = _delete_class(pipeline, files)
    rows = {row["org_unit_key"]: row for row in pipeline.rows("delta.org_units")}
    assert {key: row["action"] for key, row in rows.items()} == {
        "course_offering:lit-1": "unmap",
        "section:lit-1": "unmap",
    }
    assert rows["section:lit-1"]["reason"] == "class deleted in the SIS; courses.on_delete is nothing"
    assert {row["action"] for row in pipeline.rows("delta.enrollments")} == {"unmap"}
    assert night.bundle is None
    for kind in ("course_offering", "section"):
        assert "lit-1" not in pipeline.mappings(kind)
    assert not [key for key in pipeline.mappings("enrollment") if key.endswith(":lit-1")]
    # It reached the deletion once.
    assert not any(pipeline.night(files).delta.values())


@pytest.mark.rule("CF-065", "CF-067", "CF-092")
def test_where_set_the_offering_of_a_deleted_class_is_inactivated_and_nothing_else(
    pipeline_with: Make, files: RosterFiles
) -> None:
    pipeline = pipeline_with(courses={"on_delete": "inactivate"})
    night = _delete_class(pipeline, files)
    offering = pipeline.row("delta.org_units", "org_unit_key = 'course_offering:lit-1'")
    assert (offering["action"], offering["changed_fields"]) == ("inactivate", ["is_active"])
    assert [(line["code"], line["is_active"]) for line in night.lines("Offerings")] == [
        (offering["before"]["delivery_code"], "0")
    ]
    assert not night.lines("Sections")
    assert not night.lines("Enrollments")
    assert pipeline.row("delta.org_units", "org_unit_key = 'section:lit-1'")["action"] == "unmap"
    for kind in ("course_offering", "section"):
        assert "lit-1" not in pipeline.mappings(kind)
    assert not any(pipeline.night(files).delta.values())


@pytest.mark.rule("CF-093")
@pytest.mark.parametrize(
    ("courses", "warned"),
    [
        ({"on_delete": "inactivate", "session_types": {"schoolYear": "School Year"}}, True),
        ({"on_delete": "inactivate", "session_types": {"term": "Term"}}, False),
        ({"on_delete": "nothing", "session_types": {"schoolYear": "School Year"}}, False),
    ],
)
def test_deletion_at_rollover_needs_a_term_among_the_session_types(
    pipeline_with: Make, courses: dict[str, Any], warned: bool
) -> None:
    warnings = pipeline_with(courses=courses).settings.warnings()
    assert bool([warning for warning in warnings if warning.startswith("courses.on_delete")]) is warned


@pytest.mark.rule("SK-007")
def test_absent_orgs_courses_classes_and_users_stay_as_they_are(delivered: Pipeline, files: RosterFiles) -> None:
    for resource, sourced_id in (("classes", "lit-2"), ("users", "pat"), ("orgs", "oak")):
        files.remove(resource, sourced_id)
    files.remove("enrollments", "e-pat-lit-2")
    night = delivered.night(files)
    assert not night.delta["org_units"]
    assert not night.delta["users"]
    assert {"lit-2"} <= delivered.mappings("course_offering").keys()
    assert {"pat"} <= delivered.mappings("user").keys()


def test_absence_of_a_class_from_a_whole_extract_ends_its_enrollments(delivered: Pipeline, files: RosterFiles) -> None:
    files.remove("enrollments", "e-pat-lit-2")
    delivered.night(files)
    assert {(row["org_unit_key"], row["action"], row["reason"]) for row in delivered.rows("delta.enrollments")} == {
        ("course_offering:lit-2", "delete", "no longer in the SIS"),
        ("section:lit-2", "delete", "no longer in the SIS"),
    }


@pytest.mark.parametrize(("mode", "removed"), [("bulk", True), ("delta", False)])
def test_only_a_whole_set_of_enrollments_removes_by_absence(
    delivered: Pipeline, files: RosterFiles, mode: str, removed: bool
) -> None:
    files.remove("enrollments", "e-sue-lit-1")
    files.modes["enrollments"] = mode
    night = delivered.night(files)
    assert bool(night.delta["enrollments"]) is removed


def test_in_a_package_of_changes_only_what_is_marked_is_removed(delivered: Pipeline, files: RosterFiles) -> None:
    changes = RosterFiles()
    for resource in changes.modes:
        changes.modes[resource] = "delta"
    changes.rows["enrollments"]["e-sue-lit-1"] = {
        **files.rows["enrollments"]["e-sue-lit-1"],
        "status": "tobedeleted",
        "dateLastModified": "2026-11-23T00:00:00.000Z",
    }
    delivered.night(changes)
    assert names(delivered.rows("delta.enrollments"), "user_sourced_id") == {"sue"}
    assert {row["action"] for row in delivered.rows("delta.enrollments")} == {"delete"}


def test_a_deleted_user_is_made_inactive_and_never_deleted(delivered: Pipeline, files: RosterFiles) -> None:
    files.change("users", "sue", status="tobedeleted")
    night = delivered.night(files)
    row = delivered.row("delta.users", "sourced_id = 'sue'")
    assert (row["action"], row["reason"]) == ("inactivate", "deleted in the SIS")
    assert [(line["action"], line["is_active"]) for line in night.lines("Users")] == [("UPDATE", "0")]


def test_a_guardian_who_is_no_longer_named_loses_the_link(delivered: Pipeline, files: RosterFiles) -> None:
    files.change("users", "sam", agentSourcedIds=[])
    night = delivered.night(files)
    row = delivered.row("delta.relationships", "student_sourced_id = 'sam'")
    assert (row["action"], row["reason"]) == ("delete", "the SIS no longer relates the two")
    (line,) = night.lines("Users")
    assert (line["org_defined_id"], line["relationships"]) == ("id-sam", "")

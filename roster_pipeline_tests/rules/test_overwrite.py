"""Overwrite switches: which values the SIS may replace, on updates only and field by field."""

from collections.abc import Callable
from typing import Any

import pytest

from roster_pipeline_tests.pipeline import Pipeline, Row
from roster_pipeline_tests.roster_files import RosterFiles

Make = Callable[..., Pipeline]


def _switched(section: str, switch: str, *, on: bool, **settings: Any) -> dict[str, Any]:
    return {"overwrite": {section: {switch: on}}, **settings}


def _change_of(pipeline: Pipeline, table: str, where: str) -> Row | None:
    rows = pipeline.rows(f"delta.{table}", where)
    return rows[0] if rows else None


def _assert_changed(row: Row | None, field: str, after: Any, *, on: bool) -> None:
    if not on:
        assert row is None
        return
    assert row is not None
    assert (row["action"], row["changed_fields"], row["after"][field]) == ("update", [field], after)
    assert row["reason"] == f"changed in the SIS: {field}"


PEOPLE = [
    pytest.param("username", {"username": "new.login"}, "username", "new.login", marks=pytest.mark.rule("CF-014")),
    pytest.param(
        "org_defined_id", {"identifier": "id-new"}, "org_defined_id", "id-new", marks=pytest.mark.rule("CF-015")
    ),
    pytest.param("first_name", {"givenName": "New"}, "first_name", "New", marks=pytest.mark.rule("CF-016")),
    pytest.param("last_name", {"familyName": "New"}, "last_name", "New", marks=pytest.mark.rule("CF-017")),
    pytest.param("email", {"email": "new@example.org"}, "email", "new@example.org", marks=pytest.mark.rule("CF-018")),
    pytest.param("status", {"enabledUser": "false"}, "is_active", False, marks=pytest.mark.rule("CF-020")),
    pytest.param("status", {"status": "inactive"}, "is_active", False, marks=pytest.mark.rule("CF-020")),
]


@pytest.mark.rule("CF-013")
@pytest.mark.parametrize("on", [True, False])
@pytest.mark.parametrize(("switch", "change", "field", "after"), PEOPLE)
def test_a_field_of_a_person_is_replaced_only_where_the_switch_is_on(
    delivered_with: Make, files: RosterFiles, switch: str, change: dict[str, str], field: str, after: Any, on: bool
) -> None:
    pipeline = delivered_with(**_switched("people", switch, on=on))
    created = pipeline.mappings("user")["sue"]["fields"]
    assert created["first_name"] == "Given sue"
    assert created["is_active"] is True
    files.change("users", "sue", **change)
    pipeline.night(files)
    _assert_changed(_change_of(pipeline, "users", "sourced_id = 'sue'"), field, after, on=on)
    assert not any(pipeline.night(files).delta.values())


@pytest.mark.rule("CF-013")
def test_one_switch_off_lets_the_other_fields_of_the_same_user_through(
    delivered_with: Make, files: RosterFiles
) -> None:
    pipeline = delivered_with(**_switched("people", "last_name", on=False))
    files.change("users", "sue", givenName="New", familyName="New")
    night = pipeline.night(files)
    changed = pipeline.row("delta.users", "sourced_id = 'sue'")
    assert changed["changed_fields"] == ["first_name"]
    (line,) = night.lines("Users")
    assert (line["first_name"], line["last_name"]) == ("New", "Family sue")


@pytest.mark.rule("CF-019")
@pytest.mark.parametrize("on", [True, False])
def test_the_system_role(delivered_with: Make, files: RosterFiles, on: bool) -> None:
    pipeline = delivered_with(**_switched("people", "system_role", on=on))
    files.change("users", "gus", role="student", identifier="gus")
    pipeline.night(files)
    _assert_changed(_change_of(pipeline, "users", "sourced_id = 'gus'"), "role", "Learner", on=on)


@pytest.mark.rule("CF-021")
@pytest.mark.parametrize("on", [True, False])
def test_the_role_in_a_course(delivered_with: Make, files: RosterFiles, on: bool) -> None:
    pipeline = delivered_with(**_switched("enrollments", "role_in_course", on=on))
    files.change("enrollments", "e-sue-lit-1", role="teacher")
    night = pipeline.night(files)
    assert night.delta["enrollments"] == ({"update": 2} if on else {})
    assert [line["role_name"] for line in night.lines("Enrollments")] == (["Instructor"] if on else [])


@pytest.mark.rule("CF-022")
@pytest.mark.parametrize("on", [True, False])
def test_the_role_in_upper_org_units(delivered_with: Make, files: RosterFiles, on: bool) -> None:
    pipeline = delivered_with(**_switched("enrollments", "role_in_upper_org_units", on=on))
    files.change("users", "gus", role="teacher")
    pipeline.night(files)
    row = _change_of(pipeline, "enrollments", "user_sourced_id = 'gus' AND org_unit_key = 'school:elm'")
    _assert_changed(row, "role", "Instructor", on=on)


COURSES = [
    pytest.param("code", "course_offering:lit-1", "code", "099", marks=pytest.mark.rule("CF-023")),
    pytest.param(
        "name",
        "course_offering:lit-1",
        "name",
        "Computer Literacy Grade 1-CPLI1/099",
        marks=pytest.mark.rule("CF-024"),
    ),
    pytest.param(
        "section_name", "section:lit-1", "name", "Computer Literacy Grade 1-CPLI1/099", marks=pytest.mark.rule("CF-025")
    ),
]


@pytest.mark.parametrize("on", [True, False])
@pytest.mark.parametrize(("switch", "key", "field", "after"), COURSES)
def test_code_and_names_of_a_class(
    delivered_with: Make, files: RosterFiles, switch: str, key: str, field: str, after: str, on: bool
) -> None:
    switches = {"code": False, "name": False, "section_name": False, switch: on}
    pipeline = delivered_with(overwrite={"courses": switches})
    files.change("classes", "lit-1", classCode="CPLI1/099")
    pipeline.night(files)
    _assert_changed(_change_of(pipeline, "org_units", f"org_unit_key = '{key}'"), field, after, on=on)


@pytest.mark.rule("CF-025")
def test_the_section_name_is_independent_of_the_offering_name(delivered_with: Make, files: RosterFiles) -> None:
    pipeline = delivered_with(overwrite={"courses": {"code": False, "name": False}})
    files.change("classes", "lit-1", classCode="CPLI1/099")
    pipeline.night(files)
    assert [row["org_unit_key"] for row in pipeline.rows("delta.org_units")] == ["section:lit-1"]


@pytest.mark.rule("CF-026")
@pytest.mark.parametrize("on", [True, False])
def test_the_status_of_a_course(delivered_with: Make, files: RosterFiles, on: bool) -> None:
    pipeline = delivered_with(**_switched("courses", "status", on=on))
    files.change("classes", "lit-1", status="inactive")
    night = pipeline.night(files)
    row = _change_of(pipeline, "org_units", "org_unit_key = 'course_offering:lit-1'")
    assert (row is not None and row["after"]["is_active"] is False) is on
    assert [line["is_active"] for line in night.lines("Offerings")] == (["0"] if on else [])


@pytest.mark.rule("CF-027", "CF-075")
@pytest.mark.parametrize("on", [True, False])
def test_the_dates_of_a_course(pipeline_with: Make, files: RosterFiles, on: bool) -> None:
    pipeline = pipeline_with(**_switched("courses", "dates", on=on, courses={"dates": {"inherit": True}}))
    pipeline.night(files)
    files.change("academicSessions", "fall", endDate="2026-12-22")
    pipeline.night(files)
    row = _change_of(pipeline, "org_units", "org_unit_key = 'course_offering:lit-1'")
    _assert_changed(row, "end_date", "2026-12-22", on=on)


@pytest.mark.parametrize("on", [True, False])
@pytest.mark.parametrize(
    ("switch", "resource", "sourced_id", "column", "key"),
    [
        pytest.param(
            "semester_name", "academicSessions", "fall", "title", "term:fall", marks=pytest.mark.rule("CF-028")
        ),
        pytest.param("department_name", "orgs", "arts", "name", "department:arts", marks=pytest.mark.rule("CF-029")),
        pytest.param("org_unit_name", "orgs", "elm", "name", "school:elm", marks=pytest.mark.rule("CF-030")),
    ],
)
def test_names_of_upper_org_units(
    pipeline_with: Make,
    files: RosterFiles,
    switch: str,
    resource: str,
    sourced_id: str,
    column: str,
    key: str,
    on: bool,
) -> None:
    types = {"district": "District", "school": "School", "department": "Department"}
    pipeline = pipeline_with(**_switched("org_units", switch, on=on, courses={"org_types": types}))
    files.org("arts", "department", "Arts", parentSourcedId="district")
    pipeline.night(files)
    files.change(resource, sourced_id, **{column: "New Name"})
    pipeline.night(files)
    row = _change_of(pipeline, "org_units", f"org_unit_key = '{key}'")
    assert (row is not None) is on
    if row is not None:
        assert row["after"]["name"] == "New Name"

"""Linking: SIS objects and what Brightspace holds already."""

from collections.abc import Callable
from typing import Any

import pytest

from roster_pipeline.warehouse.existing import ORG_UNIT_COLUMNS, ExistingError
from roster_pipeline_tests.pipeline import Pipeline
from roster_pipeline_tests.roster_files import RosterFiles, names
from roster_pipeline_tests.rules.existing import brightspace_holds, write_existing

Make = Callable[..., Pipeline]

SAM = {
    "brightspace_id": 4711,
    "username": "SAM.Login",
    "org_defined_id": "old-7",
    "first_name": "Samuel",
    "last_name": "Family sam",
}
SUE = {
    "brightspace_id": 4712,
    "username": "s.other",
    "org_defined_id": "id-sue",
    "first_name": "Given sue",
    "last_name": "Family sue",
}


def _linking_users(key: str, **settings: Any) -> dict[str, Any]:
    return {"people": {"link_existing": True, "identify_by": key}, **settings}


@pytest.mark.rule("CF-039", "CF-040", "CF-045", "CF-046")
def test_by_username_whatever_its_case(pipeline_with: Make, files: RosterFiles) -> None:
    pipeline = pipeline_with(**_linking_users("username"))
    brightspace_holds(pipeline, users=[SAM, SUE])
    night = pipeline.night(files)
    linked = pipeline.row("delta.users", "sourced_id = 'sam'")
    assert linked["action"] == "update"
    assert linked["before"]["first_name"] == "Samuel"
    assert linked["changed_fields"] == ["username", "org_defined_id", "first_name", "email"]
    assert linked["reason"].startswith("linked to the account with the same username; changed in the SIS: username")
    # Sue's account has her org-defined id and another username: it is not hers by this key.
    assert pipeline.row("delta.users", "sourced_id = 'sue'")["action"] == "create"
    assert pipeline.mappings("user")["sam"]["brightspace_id"] == 4711
    assert night.delta["users"] == {"update": 1, "create": 4}
    assert not any(pipeline.night(files).delta.values())


@pytest.mark.rule("CF-039", "CF-040", "CF-045", "CF-047")
def test_by_org_defined_id_exactly(pipeline_with: Make, files: RosterFiles) -> None:
    pipeline = pipeline_with(**_linking_users("org_defined_id"))
    files.change("users", "pat", identifier="ID-PAT")
    pat = {**SUE, "brightspace_id": 4713, "username": "pat", "org_defined_id": "id-pat"}
    brightspace_holds(pipeline, users=[SAM, SUE, pat])
    pipeline.night(files)
    actions = {row["sourced_id"]: row["action"] for row in pipeline.rows("delta.users")}
    reason = pipeline.row("delta.users", "sourced_id = 'sue'")["reason"]
    assert reason.startswith("linked to the account with the same org-defined id")
    assert actions == {"sue": "update", "sam": "create", "pat": "create", "tina": "create", "gus": "create"}


@pytest.mark.rule("CF-048")
def test_the_key_is_the_org_defined_id_unless_said_otherwise(pipeline_with: Make, files: RosterFiles) -> None:
    pipeline = pipeline_with(people={"link_existing": True})
    assert pipeline.settings.people.identify_by == "org_defined_id"
    brightspace_holds(pipeline, users=[SUE])
    pipeline.night(files)
    assert pipeline.mappings("user")["sue"]["brightspace_id"] == 4712


@pytest.mark.rule("CF-041")
def test_without_linking_a_second_account_is_made_and_told_of(pipeline: Pipeline, files: RosterFiles) -> None:
    brightspace_holds(pipeline, users=[SAM, SUE])
    night = pipeline.night(files)
    assert night.delta["users"] == {"create": 5}
    assert [row["sourced_id"] for row in pipeline.issues(night, "user.username_taken")] == ["sam"]


@pytest.mark.rule("CF-013")
def test_overwrite_switches_hold_for_linked_users(pipeline_with: Make, files: RosterFiles) -> None:
    keep = {"username": False, "first_name": False, "status": False, "email": False}
    pipeline = pipeline_with(**_linking_users("username", overwrite={"people": keep}))
    brightspace_holds(pipeline, users=[{**SAM, "is_active": 0}])
    night = pipeline.night(files)
    (line,) = (line for line in night.lines("Users") if line["org_defined_id"] == "id-sam")
    assert (line["username"], line["first_name"], line["is_active"]) == ("SAM.Login", "Samuel", "0")
    assert pipeline.row("delta.users", "sourced_id = 'sam'")["changed_fields"] == ["org_defined_id"]


@pytest.mark.rule("CF-037")
def test_the_default_status_leaves_linked_users_alone(pipeline_with: Make, files: RosterFiles) -> None:
    people = {"link_existing": True, "default_status": "inactive"}
    pipeline = pipeline_with(people=people)
    brightspace_holds(pipeline, users=[SUE])
    night = pipeline.night(files)
    assert {line["org_defined_id"]: line["is_active"] for line in night.lines("Users")} == {
        "id-sue": "1",
        "id-sam": "0",
        "id-pat": "0",
        "tina": "0",
        "gus": "0",
    }


def test_several_accounts_of_one_key_are_linked_to_nobody(pipeline_with: Make, files: RosterFiles) -> None:
    pipeline = pipeline_with(**_linking_users("org_defined_id"))
    brightspace_holds(pipeline, users=[SUE, {**SUE, "brightspace_id": 4714, "username": "s.third"}])
    night = pipeline.night(files)
    assert [row["sourced_id"] for row in pipeline.issues(night, "link.ambiguous_user")] == ["sue"]
    assert night.delta["users"] == {"create": 5}


@pytest.mark.rule("CF-049")
def test_an_account_that_is_managed_is_never_linked_a_second_time(pipeline_with: Make, files: RosterFiles) -> None:
    pipeline = pipeline_with(**_linking_users("username"))
    brightspace_holds(pipeline, users=[SAM])
    pipeline.night(files)
    # The SIS gives Sam's login to another record, and Sam another one.
    files.change("users", "sam", username="sam.new")
    files.user("zoe", "student", ["elm"], username="sam.login")
    night = pipeline.night(files)
    assert [row["sourced_id"] for row in pipeline.issues(night, "link.managed_already")] == ["zoe"]
    assert pipeline.mappings("user")["zoe"]["brightspace_id"] is None


UNITS = {
    "section": ("course section", "S001", "section:lit-1", "sections"),
    "offering": ("course offering", "001", "course_offering:lit-1", "offerings"),
    "template": ("course template", "CPLI1", "course_template:lit", "templates"),
}


#: In the Standard CSV a code stands for one org unit: offering and section need different ones.
OWN_SECTION_CODES = {"section": {"name": ["{course.title}"], "code": ["S{section_number}"]}}


def _unique_sections(files: RosterFiles) -> RosterFiles:
    files.change("classes", "math-1", classCode="MATH/101")
    return files


@pytest.mark.rule("CF-068", "CF-069", "CF-094")
@pytest.mark.parametrize("flag", ["sections", "offerings", "templates"])
def test_courses_are_linked_by_code_type_by_type(pipeline_with: Make, files: RosterFiles, flag: str) -> None:
    pipeline = pipeline_with(courses={"link_existing": {flag: True}}, mapping=OWN_SECTION_CODES)
    held = [
        {"brightspace_id": 100 + place, "type": type_, "code": code, "name": "Old name"}
        for place, (type_, code, _, _) in enumerate(UNITS.values())
    ]
    brightspace_holds(pipeline, org_units=held)
    pipeline.night(_unique_sections(files))
    for place, (_, code, key, own_flag) in enumerate(UNITS.values()):
        row = pipeline.row("delta.org_units", "org_unit_key = $key", key=key)
        kind, _, sourced_id = key.partition(":")
        mapping = pipeline.mappings(kind)[sourced_id]
        if own_flag == flag:
            assert row["action"] == "update"
            assert row["before"]["name"] == "Old name"
            assert row["changed_fields"] == ["name"]
            assert row["reason"] == "linked to the org unit with the same code; changed in the SIS: name"
            assert (mapping["brightspace_id"], mapping["code"]) == (100 + place, code)
        else:
            assert row["action"] == "create"
            assert mapping["code"] != code
    # A code without a match is created.
    assert pipeline.row("delta.org_units", "org_unit_key = 'course_offering:lit-2'")["action"] == "create"
    assert not any(pipeline.night(files).delta.values())


@pytest.mark.rule("CF-095")
def test_enrollments_go_into_the_linked_units(pipeline_with: Make, files: RosterFiles) -> None:
    pipeline = pipeline_with(
        courses={"link_existing": {"sections": True, "offerings": True}}, mapping=OWN_SECTION_CODES
    )
    held = [
        {"brightspace_id": 101, "type": "Section", "code": "S001", "name": "Old name"},
        {"brightspace_id": 102, "type": "Course Offering", "code": "001", "name": "Old name"},
    ]
    brightspace_holds(pipeline, org_units=held)
    night = pipeline.night(_unique_sections(files))
    lines = [line for line in night.lines("Enrollments") if line["parent_code"] == "S001"]
    assert names(lines, "child_code") == {"id-sam", "id-sue", "tina"}
    (section,) = (line for line in night.lines("Sections") if line["code"] == "S001")
    assert section["offering_code"] == "001"
    # No second shell beside the linked one.
    assert len(night.lines("Offerings")) == 3


@pytest.mark.rule("CF-070")
def test_a_code_that_repeats_in_the_sis_is_not_linked(pipeline_with: Make, files: RosterFiles) -> None:
    pipeline = pipeline_with(courses={"link_existing": {"offerings": True}})
    held = [{"brightspace_id": 102, "type": "course offering", "code": "001", "name": "Old name"}]
    brightspace_holds(pipeline, org_units=held)
    night = pipeline.night(files)
    issues = pipeline.issues(night, "link.ambiguous_code")
    assert names(issues, "sourced_id") == {"lit-1", "math-1"}
    assert night.delta["org_units"].keys() == {"create"}


@pytest.mark.rule("CF-070")
def test_a_code_that_repeats_in_brightspace_is_not_linked(pipeline_with: Make, files: RosterFiles) -> None:
    pipeline = pipeline_with(courses={"link_existing": {"offerings": True}})
    held = [{"brightspace_id": n, "type": "course offering", "code": "002", "name": "Old name"} for n in (102, 103)]
    brightspace_holds(pipeline, org_units=held)
    night = pipeline.night(files)
    assert names(pipeline.issues(night, "link.ambiguous_code"), "sourced_id") == {"lit-2"}


@pytest.mark.rule("CF-070")
def test_a_code_of_two_types_is_not_linked_where_codes_are_the_key(pipeline_with: Make, files: RosterFiles) -> None:
    pipeline = pipeline_with(courses={"link_existing": {"offerings": True}})
    held = [
        {"brightspace_id": 102, "type": "course offering", "code": "002", "name": "Old name"},
        {"brightspace_id": 103, "type": "course section", "code": "002", "name": "Old name"},
    ]
    brightspace_holds(pipeline, org_units=held)
    night = pipeline.night(files)
    assert names(pipeline.issues(night, "link.ambiguous_code"), "sourced_id") == {"lit-2"}


@pytest.mark.rule("CF-112", "CF-113", "CF-117")
@pytest.mark.parametrize(
    ("flag", "key"),
    [
        pytest.param("departments", "department:arts", marks=pytest.mark.rule("CF-114")),
        pytest.param("semesters", "term:fall", marks=pytest.mark.rule("CF-115")),
        pytest.param("others", "school:elm", marks=pytest.mark.rule("CF-116")),
        pytest.param(None, None, marks=pytest.mark.rule("CF-114", "CF-115", "CF-116")),
    ],
)
def test_upper_org_units_are_linked_by_code_where_their_flag_is_on(
    pipeline_with: Make, files: RosterFiles, flag: str | None, key: str | None
) -> None:
    types = {"district": "District", "school": "School", "department": "Department"}
    pipeline = pipeline_with(courses={"org_types": types}, org_units={"link_existing": {flag: True}} if flag else {})
    files.org("arts", "department", "Arts", parentSourcedId="elm")
    held = [
        {"brightspace_id": 1, "type": "department", "code": "Arts", "name": "Art Department"},
        {"brightspace_id": 2, "type": "term", "code": "Fall", "name": "Autumn"},
        {"brightspace_id": 3, "type": "school", "code": "Elm Elementary", "name": "Elm"},
    ]
    brightspace_holds(pipeline, org_units=held)
    pipeline.night(files)
    linked = pipeline.rows("delta.org_units", "action = 'update'")
    assert [row["org_unit_key"] for row in linked] == ([key] if key else [])
    if key:
        kind, _, sourced_id = key.partition(":")
        assert pipeline.mappings(kind)[sourced_id]["brightspace_id"] in {1, 2, 3}
    # Oak has no match whatever the flags.
    assert pipeline.row("delta.org_units", "org_unit_key = 'school:oak'")["action"] == "create"


@pytest.mark.rule("CF-118")
def test_codes_that_do_not_match_make_a_new_unit_and_a_hint(pipeline_with: Make, files: RosterFiles) -> None:
    pipeline = pipeline_with(org_units={"link_existing": {"others": True}})
    held = [{"brightspace_id": 3, "type": "school", "code": "S-0501", "name": "Elm Elementary "}]
    brightspace_holds(pipeline, org_units=held)
    night = pipeline.night(files)
    assert pipeline.row("delta.org_units", "org_unit_key = 'school:elm'")["action"] == "create"
    (issue,) = pipeline.issues(night, "link.near_match")
    assert issue["sourced_id"] == "elm"
    assert "S-0501" in issue["message"]


@pytest.mark.rule("SK-007")
def test_units_that_nobody_linked_are_never_changed(pipeline: Pipeline, files: RosterFiles) -> None:
    held = [{"brightspace_id": 3, "type": "school", "code": "Elm Elementary", "name": "Elm"}]
    brightspace_holds(pipeline, org_units=held, users=[SUE])
    night = pipeline.night(files)
    assert all(actions.keys() <= {"create"} for actions in night.delta.values())
    assert "Elm Elementary" not in {line["code"] for line in night.lines("Other")}


def test_the_files_may_lie_beside_the_sis_files(pipeline_with: Make, files: RosterFiles) -> None:
    pipeline = pipeline_with(org_units={"link_existing": {"others": True}})
    files.write(pipeline.home.root / "feed")
    row = {"brightspace_id": 3, "type": "school", "code": "Elm Elementary", "name": "Elm", "is_active": 1}
    write_existing(pipeline.home.root / "feed" / "existing" / "org_units.csv", ORG_UNIT_COLUMNS, [row])
    pipeline.night()
    assert pipeline.mappings("school")["elm"]["brightspace_id"] == 3


def test_a_file_without_a_needed_column_says_which(pipeline: Pipeline, files: RosterFiles) -> None:
    columns = tuple(column for column in ORG_UNIT_COLUMNS if column != "code")
    write_existing(pipeline.home.sources / "maple" / "existing" / "org_units.csv", columns, [])
    with pytest.raises(ExistingError, match=r"org_units\.csv has no column code"):
        pipeline.night(files)


@pytest.mark.parametrize("changed", [True, False])
def test_the_guard_counts_linked_accounts_only_where_their_values_would_change(
    pipeline_with: Make, files: RosterFiles, changed: bool
) -> None:
    pipeline = pipeline_with(
        people={"link_existing": True}, overwrite={"people": {"email": False}}, safety={"ignore_below": 3}
    )
    held = [
        {
            "brightspace_id": 5000 + place,
            "username": f"{user}.login",
            "org_defined_id": f"id-{user}",
            "first_name": "Other" if changed else f"Given {user}",
            "last_name": f"Family {user}",
        }
        for place, user in enumerate(("sam", "sue", "pat"))
    ]
    brightspace_holds(pipeline, users=held)
    assert pipeline.night(files).verdict.passes is not changed

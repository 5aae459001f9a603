"""People: who becomes a user, with which fields, and who is related to whom."""

from collections.abc import Callable

import pytest

from roster_pipeline_tests.pipeline import Pipeline
from roster_pipeline_tests.roster_files import RosterFiles, names
from roster_pipeline_tests.rules.first_night import FirstNight


@pytest.mark.rule("SK-037", "IC-026")
def test_without_first_and_last_name_nobody_is_created(district: FirstNight) -> None:
    assert not {"nona", "noel"} & district.users()
    assert district.issues("user.name_missing") == {"nona", "noel"}
    assert district.issues("enrollment.user_rejected") == {"e-nona-lit-1"}
    assert not district.enrolled("nona")
    assert {"sam", "sue", "pat", "tina", "dan"} <= district.users()


def _has_the_fields_of_the_sis(district: FirstNight, user: str) -> None:
    row = district.user(user)
    assert (row["first_name"], row["last_name"], row["email"], row["username"]) == (
        f"Given {user}",
        f"Family {user}",
        f"{user}@example.org",
        f"{user}.login",
    )


@pytest.mark.rule("SK-038", "IC-027")
def test_a_students_attributes(district: FirstNight) -> None:
    _has_the_fields_of_the_sis(district, "sue")


@pytest.mark.rule("SK-043", "IC-033")
def test_a_teachers_attributes(district: FirstNight) -> None:
    _has_the_fields_of_the_sis(district, "tina")


@pytest.mark.rule("SK-049", "IC-039")
def test_a_guardians_attributes(district: FirstNight) -> None:
    _has_the_fields_of_the_sis(district, "gus")


@pytest.mark.rule("IC-044")
def test_an_administrators_attributes(campus: FirstNight) -> None:
    _has_the_fields_of_the_sis(campus, "ada")


@pytest.mark.rule("SK-039", "IC-028")
def test_a_students_org_defined_id_is_the_number_that_people_know(district: FirstNight) -> None:
    assert district.user("sue")["org_defined_id"] == "id-sue"


@pytest.mark.rule("IC-028")
def test_an_infinite_campus_student_without_identifier(
    pipeline_with: Callable[..., Pipeline], files: RosterFiles
) -> None:
    pipeline = pipeline_with(profile="infinite_campus")
    files.change("users", "sam", identifier="", userIds=["{state:9}", "{userID:4711}"])
    files.change("users", "sue", identifier="")
    night = pipeline.night(files)
    assert pipeline.row("brightspace.users", "sourced_id = 'sam'")["org_defined_id"] == "4711"
    assert pipeline.row("brightspace.users", "sourced_id = 'sue'")["org_defined_id"] == "sue"
    assert "sue" in names(pipeline.issues(night, "user.org_defined_id_fallback"), "sourced_id")


@pytest.mark.rule("IC-028")
def test_the_configured_source_of_the_org_defined_id_wins(
    pipeline_with: Callable[..., Pipeline], files: RosterFiles
) -> None:
    rules = {"student": {"org_defined_id": ["user_ids:state"], "enroll_in": ["school"]}}
    pipeline = pipeline_with(profile="infinite_campus", mapping={"roles": rules})
    files.change("users", "sam", userIds=["{state:9}", "{userID:4711}"])
    pipeline.night(files)
    assert pipeline.row("brightspace.users", "sourced_id = 'sam'")["org_defined_id"] == "9"


@pytest.mark.rule("SK-046", "IC-036")
def test_a_teachers_org_defined_id_is_the_record_id(district: FirstNight) -> None:
    # Tina has an identifier, Ted none.
    assert district.user("tina")["org_defined_id"] == "tina"
    assert district.user("ted")["org_defined_id"] == "ted"


@pytest.mark.rule("SK-052", "IC-043")
def test_a_guardians_org_defined_id_is_the_record_id(district: FirstNight) -> None:
    assert district.user("gus")["org_defined_id"] == "gus"


@pytest.mark.rule("IC-043", "IC-047")
def test_parents_and_administrators_are_identified_by_record_id(campus: FirstNight) -> None:
    assert campus.user("pam")["org_defined_id"] == "pam"
    assert campus.user("ada")["org_defined_id"] == "ada"


@pytest.mark.rule("SK-040", "SK-044", "IC-029", "IC-034")
def test_students_and_teachers_have_the_roles_they_are_mapped_to(district: FirstNight) -> None:
    assert district.user("sue")["role"] == "Learner"
    assert district.user("tina")["role"] == "Instructor"


@pytest.mark.rule("IC-003", "IC-037", "IC-040", "IC-045")
def test_infinite_campus_brings_family_and_other_staff(campus: FirstNight) -> None:
    roles = {user: campus.user(user)["role"] for user in ("ada", "abe", "gus", "pam", "rob")}
    assert roles == {
        "ada": "Administrator",
        "abe": "Teaching Assistant",
        "gus": "Parent",
        "pam": "Parent",
        "rob": "Parent",
    }


@pytest.mark.rule("SK-047")
def test_skyward_brings_guardians_without_a_setting(skyward: FirstNight) -> None:
    assert skyward.user("gus")["role"] == "Parent"


@pytest.mark.rule("SK-050", "SK-053")
def test_skyward_brings_students_teachers_and_guardians_only(skyward: FirstNight) -> None:
    rows = skyward.pipeline.rows("brightspace.users")
    assert names(rows, "sis_role") == {"student", "teacher", "guardian"}
    assert skyward.issues("role.unmapped") == {"pam", "rob", "ada", "abe", "pru"}


@pytest.mark.rule("SK-041", "SK-048")
def test_skyward_relates_a_student_to_guardians(skyward: FirstNight) -> None:
    # Of Sam's agents, Pam and Rob have no role that is mapped, and nobody is unknown.
    assert skyward.guardians("sam") == {"gus"}
    assert skyward.issues("user.agent_unknown") == {"sam"}
    rows = skyward.pipeline.rows("brightspace.relationships", "guardian_sourced_id = 'gus'")
    assert [row["student_sourced_id"] for row in rows] == ["sam"]


@pytest.mark.rule("IC-030", "IC-038", "IC-042")
def test_infinite_campus_relates_a_student_to_guardians_and_parents(campus: FirstNight) -> None:
    assert campus.guardians("sam") == {"gus", "pam"}
    assert "rob" in campus.users()
    rows = campus.pipeline.rows("brightspace.relationships", "guardian_sourced_id = 'pam'")
    assert [row["student_sourced_id"] for row in rows] == ["sam"]


@pytest.mark.rule("SK-048", "IC-038")
def test_a_students_line_carries_the_guardians(district: FirstNight) -> None:
    (line,) = (line for line in district.night.lines("Users") if line["org_defined_id"] == "id-sam")
    guardians = {"skyward": "Parent:gus", "infinite_campus": "Parent:gus|Parent:pam"}
    assert line["relationships"] == guardians[district.profile]


@pytest.mark.rule("CF-020")
def test_a_user_whose_account_is_disabled_is_created_inactive(district: FirstNight) -> None:
    assert district.user("dan")["is_active"] is False
    (line,) = (line for line in district.night.lines("Users") if line["org_defined_id"] == "id-dan")
    assert line["is_active"] == "0"


@pytest.mark.rule("CF-032")
def test_a_fresh_source_maps_student_and_teacher_and_no_other(
    pipeline_with: Callable[..., Pipeline], files: RosterFiles
) -> None:
    pipeline = pipeline_with(profile="generic")
    assert pipeline.settings.people.roles == {"student": "Learner", "teacher": "Instructor"}
    pipeline.night(files)
    assert "gus" not in names(pipeline.rows("brightspace.users"), "sourced_id")
    roles = {"student": "Learner", "teacher": "Instructor", "guardian": "Parent"}
    pipeline.configure(profile="generic", people={"roles": roles})
    pipeline.night(files)
    assert "gus" in names(pipeline.rows("brightspace.users"), "sourced_id")


@pytest.mark.rule("CF-033", "CF-034", "CF-035")
def test_each_user_of_an_unmapped_role_is_an_error_and_is_neither_created_nor_enrolled(
    pipeline_with: Callable[..., Pipeline], files: RosterFiles
) -> None:
    pipeline = pipeline_with(people={"roles": {"student": "Learner", "guardian": "Parent"}})
    files.user("tom", "teacher", ["elm"])
    night = pipeline.night(files)
    issues = pipeline.issues(night, "role.unmapped")
    users = {row["sourced_id"]: row["severity"] for row in issues if row["kind"] == "user"}
    assert users == {"tina": "error", "tom": "error"}
    assert not names(pipeline.rows("brightspace.users"), "sourced_id") & {"tina", "tom"}
    assert not pipeline.enrolled("tina")
    enrollments = {row["sourced_id"] for row in issues if row["kind"] == "enrollment"}
    assert enrollments == {"e-tina-lit-1", "e-tina-math-1"}
    assert night.bundle is not None


@pytest.mark.rule("CF-035")
def test_a_mapped_enrollment_of_a_user_who_is_not_created_is_skipped_with_an_issue(
    pipeline: Pipeline, files: RosterFiles
) -> None:
    files.user("abe", "aide", ["elm"])
    files.enroll("abe", "lit-1", "teacher")
    night = pipeline.night(files)
    assert [row["sourced_id"] for row in pipeline.issues(night, "enrollment.user_not_created")] == ["e-abe-lit-1"]
    assert not pipeline.enrolled("abe")


@pytest.mark.rule("CF-037", "CF-043")
def test_new_users_may_be_created_inactive_and_others_stay(delivered: Pipeline, files: RosterFiles) -> None:
    delivered.configure(people={"default_status": "inactive"})
    files.user("new", "student", ["elm"])
    night = delivered.night(files)
    assert [(line["org_defined_id"], line["is_active"]) for line in night.lines("Users")] == [("id-new", "0")]
    assert not any(delivered.night(files).delta.values())


@pytest.mark.rule("CF-038", "CF-044")
def test_new_users_are_active_unless_said_otherwise(pipeline: Pipeline, files: RosterFiles) -> None:
    night = pipeline.night(files)
    assert pipeline.settings.people.default_status == "active"
    assert {line["is_active"] for line in night.lines("Users")} == {"1"}


@pytest.mark.rule("CF-049")
def test_two_users_with_one_username_are_never_merged(pipeline: Pipeline, files: RosterFiles) -> None:
    files.user("zed", "student", ["oak"], username="SAM.login")
    night = pipeline.night(files)
    (issue,) = pipeline.issues(night, "user.username_duplicate")
    assert issue["sourced_id"] == "zed"
    users = names(pipeline.rows("brightspace.users"), "sourced_id")
    assert "sam" in users
    assert "zed" not in users

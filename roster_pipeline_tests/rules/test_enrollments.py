"""Enrollments in classes, schools and districts."""

from collections.abc import Callable

import pytest

from roster_pipeline_tests.pipeline import Pipeline
from roster_pipeline_tests.roster_files import RosterFiles
from roster_pipeline_tests.rules.first_night import FirstNight


def _upper(district: FirstNight, user: str) -> set[str]:
    courses = ("course_offering:", "section:")
    return {key for key in district.enrolled(user) if not key.startswith(courses)}


@pytest.mark.rule("SK-010", "SK-030", "SK-035")
def test_a_skyward_student_is_enrolled_in_offering_section_and_school(skyward: FirstNight) -> None:
    assert skyward.enrolled("sue") == {
        "course_offering:lit-1": "Learner",
        "section:lit-1": "Learner",
        "school:elm": "Learner",
    }


@pytest.mark.rule("IC-008", "IC-031", "IC-032")
def test_an_infinite_campus_student_is_enrolled_at_the_district_too(campus: FirstNight) -> None:
    # Sue lists her school only.
    assert campus.enrolled("sue") == {
        "course_offering:lit-1": "Learner",
        "section:lit-1": "Learner",
        "school:elm": "Learner",
        "district:district": "Learner",
    }


@pytest.mark.rule("SK-042")
def test_skyward_students_are_never_enrolled_at_the_district(skyward: FirstNight) -> None:
    # Pat lists the district beside the school.
    assert _upper(skyward, "pat") == {"school:oak"}


@pytest.mark.rule("SK-045")
def test_skyward_teachers_are_enrolled_at_their_school_only(skyward: FirstNight) -> None:
    assert _upper(skyward, "tina") == {"school:elm"}


@pytest.mark.rule("IC-035")
def test_infinite_campus_teachers_are_enrolled_at_school_and_district(campus: FirstNight) -> None:
    assert _upper(campus, "tina") == {"school:elm", "district:district"}


@pytest.mark.rule("SK-051")
def test_skyward_guardians_are_enrolled_at_the_school(skyward: FirstNight) -> None:
    assert skyward.enrolled("gus") == {"school:elm": "Parent"}


@pytest.mark.rule("IC-041")
@pytest.mark.parametrize("contact", ["gus", "pam", "rob"])
def test_infinite_campus_contacts_are_enrolled_at_the_district_only(campus: FirstNight, contact: str) -> None:
    assert campus.enrolled(contact) == {"district:district": "Parent"}


@pytest.mark.rule("IC-046")
def test_administrators_are_enrolled_in_the_district_and_all_its_schools(campus: FirstNight) -> None:
    assert campus.enrolled("ada") == {
        "district:district": "Administrator",
        "school:elm": "Administrator",
        "school:oak": "Administrator",
    }


@pytest.mark.rule("IC-031")
@pytest.mark.parametrize("profile", ["skyward", "infinite_campus"])
def test_a_student_of_two_schools_is_enrolled_in_both(
    pipeline_with: Callable[..., Pipeline], files: RosterFiles, profile: str
) -> None:
    pipeline = pipeline_with(profile=profile)
    files.change("users", "sue", orgSourcedIds=["elm", "oak"])
    pipeline.night(files)
    assert {"school:elm", "school:oak"} <= set(pipeline.enrolled("sue"))


def test_the_offering_needs_no_line_because_its_section_enrolls(pipeline: Pipeline, files: RosterFiles) -> None:
    night = pipeline.night(files)
    offering = pipeline.unit("course_offering:lit-1")["delivery_code"]
    assert offering not in {line["parent_code"] for line in night.lines("Enrollments")}


def test_the_higher_role_wins_where_a_user_has_two_in_a_class(pipeline: Pipeline, files: RosterFiles) -> None:
    files.enroll("tina", "lit-1", "student", sourced_id="second")
    night = pipeline.night(files)
    assert pipeline.enrolled("tina")["section:lit-1"] == "Instructor"
    assert pipeline.issues(night, "enrollment.several_roles")


@pytest.mark.rule("CF-083", "CF-102")
@pytest.mark.parametrize(("end", "enrolled"), [("2026-11-22", False), ("2026-11-23", False), ("2026-11-24", True)])
def test_the_end_date_is_the_first_day_no_longer_enrolled(
    delivered_with: Callable[..., Pipeline], files: RosterFiles, end: str, enrolled: bool
) -> None:
    pipeline = delivered_with(courses={"unenroll": {"after_end_date": True}})
    files.change("enrollments", "e-sue-lit-1", endDate=end)
    night = pipeline.night(files)
    assert ("section:lit-1" in pipeline.enrolled("sue")) is enrolled
    assert night.delta["enrollments"] == ({} if enrolled else {"delete": 2})
    if not enrolled:
        assert {row["reason"] for row in pipeline.rows("delta.enrollments")} == {f"end date {end} has come"}
        assert [line["action"] for line in night.lines("Enrollments")] == ["DELETE"]


@pytest.mark.rule("CF-082", "CF-084")
def test_without_the_setting_the_end_date_takes_nobody_out(delivered: Pipeline, files: RosterFiles) -> None:
    assert delivered.settings.courses.unenroll.after_end_date is False
    files.change("enrollments", "e-sue-lit-1", endDate="2026-10-01")
    assert not any(delivered.night(files).delta.values())
    assert "section:lit-1" in delivered.enrolled("sue")


@pytest.mark.rule("CF-085")
def test_a_deleted_enrollment_ends_whatever_the_setting(delivered: Pipeline, files: RosterFiles) -> None:
    files.change("enrollments", "e-sue-lit-1", status="tobedeleted")
    night = delivered.night(files)
    gone = {(row["org_unit_key"], row["action"], row["reason"]) for row in delivered.rows("delta.enrollments")}
    assert gone == {
        ("course_offering:lit-1", "delete", "deleted in the SIS"),
        ("section:lit-1", "delete", "deleted in the SIS"),
    }
    assert [line["action"] for line in night.lines("Enrollments")] == ["DELETE"]


@pytest.mark.rule("CF-065")
def test_absence_from_a_whole_extract_ends_an_enrollment(delivered: Pipeline, files: RosterFiles) -> None:
    files.remove("enrollments", "e-sue-lit-1")
    night = delivered.night(files)
    assert night.delta["enrollments"] == {"delete": 2}
    assert {row["reason"] for row in delivered.rows("delta.enrollments")} == {"no longer in the SIS"}
    assert not any(delivered.night(files).delta.values())


@pytest.mark.rule("CF-082", "CF-086", "CF-103")
def test_a_move_to_another_school_leaves_the_old_one_where_set(
    pipeline_with: Callable[..., Pipeline], files: RosterFiles
) -> None:
    pipeline = pipeline_with(courses={"unenroll": {"when_org_left": True}})
    files.remove("enrollments", "e-pat-lit-2")
    pipeline.night(files)
    files.change("users", "pat", orgSourcedIds=["elm"])
    pipeline.night(files)
    assert {(row["org_unit_key"], row["action"]) for row in pipeline.rows("delta.enrollments")} == {
        ("school:elm", "create"),
        ("school:oak", "delete"),
    }
    assert not any(pipeline.night(files).delta.values())


@pytest.mark.rule("CF-086")
def test_without_the_setting_the_old_school_stays(pipeline: Pipeline, files: RosterFiles) -> None:
    files.remove("enrollments", "e-pat-lit-2")
    pipeline.night(files)
    files.change("users", "pat", orgSourcedIds=["elm"])
    night = pipeline.night(files)
    assert night.delta["enrollments"] == {"create": 1}
    managed = pipeline.mappings("enrollment")
    assert {"pat|school:elm", "pat|school:oak"} <= set(managed)

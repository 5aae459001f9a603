"""Faults that single rows of real SISs have: what each costs, and that it costs nothing else."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from roster_pipeline.issues import catalogue
from roster_pipeline_tests.pipeline import Pipeline
from roster_pipeline_tests.roster_files import RosterFiles, maple

Spoil = Callable[[RosterFiles], Any]


@dataclass(frozen=True)
class Fault:
    """One fault: what is done to the roster, and the issue it gets."""

    name: str
    spoil: Spoil
    code: str
    sourced_id: str | None
    lost: frozenset[tuple[str, str]] = frozenset()
    """Rows that are missing from the roster tables because of it: table and sourced_id."""


def _lost(*rows: tuple[str, str]) -> frozenset[tuple[str, str]]:
    return frozenset(rows)


FAULTS = [
    Fault("the same row twice", lambda f: f.repeat("users", "sue"), "row.duplicate", "sue"),
    Fault(
        "two rows of one sourcedId",
        lambda f: f.repeat("users", "sue", email="other@example.org"),
        "row.duplicate_differs",
        "sue",
    ),
    Fault(
        "a username twice", lambda f: f.change("users", "sue", username="PAT.login"), "user.username_duplicate", "sue"
    ),
    Fault(
        "an enrollment of nobody",
        lambda f: f.enroll("ghost", "lit-1"),
        "enrollment.user_unknown",
        "e-ghost-lit-1",
        _lost(("enrollments", "e-ghost-lit-1")),
    ),
    Fault(
        "an enrollment in nothing",
        lambda f: f.enroll("sue", "ghost"),
        "enrollment.class_unknown",
        "e-sue-ghost",
        _lost(("enrollments", "e-sue-ghost")),
    ),
    Fault(
        "a class of no course",
        lambda f: f.change("classes", "lit-2", courseSourcedId="ghost"),
        "class.course_unknown",
        "lit-2",
        _lost(("classes", "lit-2"), ("enrollments", "e-pat-lit-2")),
    ),
    Fault(
        "a class of no school",
        lambda f: f.change("classes", "lit-2", schoolSourcedId="ghost"),
        "class.school_unknown",
        "lit-2",
        _lost(("classes", "lit-2"), ("enrollments", "e-pat-lit-2")),
    ),
    Fault(
        "a row whose class could not be used",
        lambda f: f.change("classes", "lit-2", courseSourcedId=""),
        "enrollment.class_rejected",
        "e-pat-lit-2",
        _lost(("classes", "lit-2"), ("enrollments", "e-pat-lit-2")),
    ),
    Fault(
        "a row whose user could not be used",
        lambda f: f.change("users", "pat", familyName=" "),
        "enrollment.user_rejected",
        "e-pat-lit-2",
        _lost(("users", "pat"), ("enrollments", "e-pat-lit-2")),
    ),
    Fault(
        "a class in an unknown session",
        lambda f: f.change("classes", "lit-2", termSourcedIds=["ghost", "fall"]),
        "class.term_unknown",
        "lit-2",
    ),
    Fault(
        "orgs above each other",
        lambda f: (f.change("orgs", "elm", parentSourcedId="oak"), f.change("orgs", "oak", parentSourcedId="elm")),
        "org.parent_cycle",
        "elm",
    ),
    Fault("an org above itself", lambda f: f.change("orgs", "elm", parentSourcedId="elm"), "org.parent_cycle", "elm"),
    Fault(
        "a session above itself",
        lambda f: f.change("academicSessions", "q1", parentSourcedId="q1"),
        "academic_session.parent_cycle",
        "q1",
    ),
    Fault(
        "a school below nothing",
        lambda f: f.change("orgs", "elm", parentSourcedId="ghost"),
        "org.parent_unknown",
        "elm",
    ),
    Fault("two districts", lambda f: f.org("other", "district"), "org.district_several", None),
    Fault("no district", lambda f: f.remove("orgs", "district"), "org.district_missing", None),
    Fault(
        "no family name",
        lambda f: f.change("users", "gus", familyName=""),
        "user.name_missing",
        "gus",
        _lost(("users", "gus")),
    ),
    Fault(
        "a given name of blanks",
        lambda f: f.change("users", "gus", givenName=" \u00a0\u200b"),
        "user.name_missing",
        "gus",
        _lost(("users", "gus")),
    ),
    Fault("no e-mail", lambda f: f.change("users", "gus", email=""), "user.email_missing", "gus"),
    Fault(
        "no username",
        lambda f: f.change("users", "gus", username=""),
        "user.username_missing",
        "gus",
        _lost(("users", "gus")),
    ),
    Fault("an unknown role", lambda f: f.change("users", "gus", role="ext:mascot"), "role.unmapped", "gus"),
    Fault("a role in capitals", lambda f: f.change("users", "gus", role="GUARDIAN"), "value.wrong_case", None),
    Fault("a status nobody knows", lambda f: f.change("users", "gus", status="present"), "value.unreadable", "gus"),
    Fault(
        "an end before the beginning",
        lambda f: f.change("enrollments", "e-sue-lit-1", beginDate="2026-12-01", endDate="2026-11-01"),
        "enrollment.dates_contradict",
        "e-sue-lit-1",
    ),
    Fault(
        "an enrollment outside the term",
        lambda f: f.change("enrollments", "e-sue-lit-1", beginDate="2027-03-01"),
        "enrollment.outside_term",
        "e-sue-lit-1",
    ),
    Fault(
        "an enrollment twice",
        lambda f: f.enroll("sue", "lit-1", sourced_id="again"),
        "enrollment.repeated",
        "again",
    ),
    Fault(
        "teacher and student of one class",
        lambda f: f.enroll("tina", "lit-1", "student", sourced_id="also-student"),
        "enrollment.several_roles",
        "e-tina-lit-1",
    ),
    Fault(
        "two lead teachers",
        lambda f: (f.user("tom", "teacher", ["elm"]), f.enroll("tom", "lit-1", "teacher", primary="true")),
        "class.lead_teacher_several",
        "lit-1",
    ),
    Fault(
        "blanks around an id", lambda f: f.change("users", "gus", sourcedId=" gus\u00a0"), "value.blanks_around", None
    ),
    Fault(
        "a date nobody can read",
        lambda f: f.change("enrollments", "e-sue-lit-1", endDate="soon"),
        "value.unreadable",
        "e-sue-lit-1",
    ),
    Fault(
        "a boolean nobody can read",
        lambda f: f.change("users", "gus", enabledUser="perhaps"),
        "value.unreadable",
        "gus",
    ),
    Fault(
        "no school year",
        lambda f: f.change("academicSessions", "fall", schoolYear=""),
        "academic_session.school_year_derived",
        "fall",
    ),
    Fault("no session", lambda f: f.change("classes", "lit-2", termSourcedIds=[]), "class.term_missing", "lit-2"),
    Fault(
        "a deleted course", lambda f: f.change("courses", "lit", status="tobedeleted"), "class.course_deleted", "lit-1"
    ),
    Fault("no class title", lambda f: f.change("classes", "lit-1", title=""), "class.title_missing", "lit-1"),
    Fault("no course title", lambda f: f.change("courses", "lit", title=""), "course.title_missing", "lit"),
    Fault(
        "no section number",
        lambda f: f.change("classes", "lit-1", classCode=""),
        "class.section_number_missing",
        "lit-1",
    ),
    Fault(
        "a guardian nobody knows",
        lambda f: f.change("users", "sam", agentSourcedIds=["gus", "ghost"]),
        "user.agent_unknown",
        "sam",
    ),
    Fault(
        "an org nobody knows",
        lambda f: f.change("users", "sam", orgSourcedIds=["elm", "ghost"]),
        "user.org_unknown",
        "sam",
    ),
    Fault(
        "a course of no org", lambda f: f.change("courses", "lit", orgSourcedId="ghost"), "course.org_unknown", "lit"
    ),
    Fault("a name too long", lambda f: f.change("orgs", "elm", name="E" * 129), "name.too_long", "elm"),
    Fault(
        "a username Brightspace refuses",
        lambda f: f.change("users", "gus", username="o'gus"),
        "user.login_invalid",
        "gus",
    ),
    Fault("a quote in a name", lambda f: f.change("orgs", "elm", name='The "Elm"'), "name.character_replaced", "elm"),
]

TABLES = ("orgs", "academic_sessions", "courses", "classes", "users", "enrollments")


def _kept(pipeline: Pipeline) -> set[tuple[str, str]]:
    return {(table, row["sourced_id"]) for table in TABLES for row in pipeline.rows(f"roster.{table}")}


def _sent(files: RosterFiles) -> set[tuple[str, str]]:
    names = dict(zip(("orgs", "academicSessions", "courses", "classes", "users", "enrollments"), TABLES, strict=True))
    return {
        (names[resource], row["sourcedId"].strip()) for resource, rows in files.rows.items() for row in rows.values()
    }


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.replace(" ", "-"))
def test_a_fault_is_told_and_costs_only_its_rows(pipeline: Pipeline, fault: Fault) -> None:
    files = maple()
    fault.spoil(files)
    night = pipeline.night(files, deliver=False)
    found = pipeline.issues(night, fault.code)
    assert fault.sourced_id in {issue["sourced_id"] for issue in found}, pipeline.issues(night)
    assert all(issue["severity"] == catalogue()[fault.code].severity for issue in found)
    assert all("{" not in issue["message"] for issue in found)
    assert _sent(files) - _kept(pipeline) == fault.lost


def test_a_roster_without_faults_has_no_issues(pipeline: Pipeline, files: RosterFiles) -> None:
    night = pipeline.night(files, deliver=False)
    assert pipeline.issues(night) == []
    assert _kept(pipeline) == _sent(files)


#: Two texts that DuckDB gives the same hash.
ALIKE = ("pupil-50|course_offering:class-19", "pupil-59|course_offering:class-29")


def test_rows_that_are_alike_for_a_hash_only_are_not_taken_for_each_other(
    pipeline: Pipeline, files: RosterFiles
) -> None:
    for number, user in enumerate(ALIKE):
        fields = {"username": f"alike-{number}", "identifier": f"alike-{number}", "email": f"{number}@example.org"}
        files.user(user, "student", ["elm"], **fields)
        files.enroll(user, "lit-1", sourced_id=user)
    files.change("users", "sue", givenName=ALIKE[0])
    files.repeat("users", "sue", givenName=ALIKE[1])
    files.repeat("users", "pat")
    night = pipeline.night(files, deliver=False)
    assert {(issue["code"], issue["sourced_id"]) for issue in pipeline.issues(night)} == {
        ("row.duplicate_differs", "sue"),
        ("row.duplicate", "pat"),
    }
    assert _kept(pipeline) == _sent(files)


DATE_TIMES = {
    "2026-11-01T08:30:00.123Z": datetime(2026, 11, 1, 8, 30, 0, 123000),  # noqa: DTZ001 - the table is in UTC
    "2026-11-01T08:30:00Z": datetime(2026, 11, 1, 8, 30),  # noqa: DTZ001
    "2026-11-01T08:30:00.123456789Z": datetime(2026, 11, 1, 8, 30, 0, 123456),  # noqa: DTZ001
    "2026-11-01T08:30:00-05:00": datetime(2026, 11, 1, 13, 30),  # noqa: DTZ001
    "2026-11-01T08:30:00+0530": datetime(2026, 11, 1, 3, 0),  # noqa: DTZ001
    "2026-11-01 08:30:00": datetime(2026, 11, 1, 8, 30),  # noqa: DTZ001
    "2026-11-01": datetime(2026, 11, 1),  # noqa: DTZ001
    "1793521800": datetime(2026, 11, 1, 8, 30),  # noqa: DTZ001
    "1793521800000": datetime(2026, 11, 1, 8, 30),  # noqa: DTZ001
    "0001-01-01T00:00:00Z": None,
    "9999-12-31T23:59:59Z": None,
}
DATES = ("2026-12-20", "2026/12/20", "12/20/2026", "2026-12-20T23:30:00.000-08:00")
BOOLEANS = {"true": True, "TRUE": True, "1": True, "yes": True, "F": False, "0": False}
SCHOOL_YEARS = {"2027": 2027, "2026-2027": 2027, "2026/27": 2027, "": 2027}


def test_values_in_every_form_are_read(pipeline: Pipeline, files: RosterFiles) -> None:
    """Each form in a row of its own, which is named by it."""
    for form in DATE_TIMES:
        files.user(f"at {form}", "student", ["elm"], dateLastModified=form)
    for form in BOOLEANS:
        files.user(f"enabled {form}", "student", ["elm"], enabledUser=form)
    for form in DATES:
        files.session(f"ends {form}", "term", "2026-08-15", form, parentSourcedId="year")
    for form in SCHOOL_YEARS:
        files.session(f"year {form}", "term", "2027-01-05", "2027-06-05", form, parentSourcedId="year")
    pipeline.night(files, deliver=False)
    users = {row["sourced_id"]: row for row in pipeline.rows("roster.users")}
    sessions = {row["sourced_id"]: row for row in pipeline.rows("roster.academic_sessions")}
    assert {form: users[f"at {form}"]["date_last_modified"] for form in DATE_TIMES} == DATE_TIMES
    assert {form: users[f"enabled {form}"]["enabled_user"] for form in BOOLEANS} == BOOLEANS
    assert {form: str(sessions[f"ends {form}"]["end_date"]) for form in DATES} == dict.fromkeys(DATES, "2026-12-20")
    # A sourcedId loses the blank at its end.
    years = {form: sessions[f"year {form}".strip()]["school_year_ends"] for form in SCHOOL_YEARS}
    assert years == SCHOOL_YEARS


def test_odd_ids_are_kept_as_they_are(pipeline: Pipeline, files: RosterFiles) -> None:
    odd = "a/b:c#d%e+f g|h é"
    files.user(odd, "student", ["elm"], username="odd", identifier="odd")
    files.enroll(odd, "lit-1", sourced_id="e/1")
    night = pipeline.night(files)
    assert "section:lit-1" in pipeline.enrolled(odd)
    assert "odd" in {line["org_defined_id"] for line in night.lines("Users")}


def test_what_is_wrong_with_the_package_is_an_issue_too(pipeline: Pipeline, files: RosterFiles) -> None:
    feed = files.write(pipeline.home.root / "feed")
    orgs = feed / "orgs.csv"
    orgs.write_text(orgs.read_text("utf-8") + "torn,row\n", "utf-8")
    night = pipeline.night(deliver=False)
    codes = {issue["code"] for issue in pipeline.issues(night)}
    assert "row.ragged" in codes, codes
    assert len(pipeline.rows("roster.orgs")) == 3


def test_unknown_metadata_is_kept(pipeline: Pipeline, files: RosterFiles) -> None:
    files.change("classes", "lit-1", **{"metadata.vendor.color": "blue"})
    pipeline.night(files, deliver=False)
    assert "blue" in pipeline.row("roster.classes", "sourced_id = 'lit-1'")["metadata"]


def test_a_row_that_could_not_be_used_is_not_a_row_that_is_gone(delivered: Pipeline, files: RosterFiles) -> None:
    files.change("users", "sue", familyName="")
    night = delivered.night(files)
    assert night.delta["enrollments"] == {}
    assert night.delta["users"] == {}

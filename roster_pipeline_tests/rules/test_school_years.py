"""School years: which classes belong to one, and what a run of an old one may touch."""

from datetime import date

import pytest

from roster_pipeline.partitions import school_year_of
from roster_pipeline.warehouse.hierarchy import NoSessionsError
from roster_pipeline_tests.pipeline import SOURCE, YEAR, Pipeline
from roster_pipeline_tests.roster_files import RosterFiles

LAST_YEAR = "2025-2026"


@pytest.fixture
def two_years(files: RosterFiles) -> RosterFiles:
    """The Maple district with a class of last year that Sue was in, taught at Elm."""
    files.session("last-year", "schoolYear", "2025-08-01", "2026-06-30", "2026")
    files.session("last-fall", "term", "2025-08-15", "2025-12-20", "2026", parentSourcedId="last-year")
    files.class_("lit-0", "lit", "elm", ["last-fall"], "CPLI1/001")
    files.enroll("sue", "lit-0")
    return files


@pytest.mark.rule("SK-018", "SK-021")
def test_a_class_belongs_to_the_year_of_its_sessions(pipeline: Pipeline, two_years: RosterFiles) -> None:
    pipeline.night(two_years)
    units = {row["sourced_id"] for row in pipeline.rows("brightspace.org_units", "kind = 'course_offering'")}
    assert units == {"lit-1", "lit-2", "math-1"}
    pipeline.night(school_year=LAST_YEAR)
    rows = pipeline.rows("brightspace.org_units", "kind IN ('course_offering', 'course_template')", LAST_YEAR)
    assert {row["org_unit_key"] for row in rows} == {"course_offering:lit-0", "course_template:lit"}


def test_a_class_over_two_terms_is_one_offering_in_both(pipeline: Pipeline, files: RosterFiles) -> None:
    pipeline.night(files)
    assert {"term:fall", "term:spring"} <= pipeline.parents("course_offering:lit-2")


def test_the_year_above_a_session_outweighs_what_the_session_says(pipeline: Pipeline, files: RosterFiles) -> None:
    files.change("academicSessions", "fall", schoolYear="2019")
    pipeline.night(files)
    assert pipeline.rows("brightspace.org_units", "org_unit_key = 'course_offering:lit-1'")


def test_a_session_without_a_year_belongs_to_the_one_it_ends_in(pipeline: Pipeline, files: RosterFiles) -> None:
    files.session("loose", "term", "2026-08-15", "2026-12-20", "")
    files.change("classes", "math-1", termSourcedIds=["loose"])
    night = pipeline.night(files)
    assert pipeline.rows("brightspace.org_units", "org_unit_key = 'course_offering:math-1'")
    issues = pipeline.issues(night, "academic_session.school_year_derived")
    assert [row["sourced_id"] for row in issues] == ["loose"]


def test_a_year_without_sessions_fails_and_says_which_there_are(pipeline: Pipeline, files: RosterFiles) -> None:
    with pytest.raises(
        NoSessionsError, match=r"no active academic session of school year 2027-2028, only of 2026-2027"
    ):
        pipeline.night(files, school_year="2027-2028")


@pytest.mark.parametrize(
    ("day", "school_year"),
    [
        (date(2027, 6, 30), "2026-2027"),
        (date(2027, 7, 1), "2027-2028"),
        (date(2027, 8, 15), "2027-2028"),
        (date(2027, 1, 1), "2026-2027"),
    ],
)
def test_from_july_on_the_summer_counts_for_the_next_year(day: date, school_year: str) -> None:
    assert school_year_of(day) == school_year


def test_a_backfill_changes_nothing_that_a_later_year_holds(pipeline: Pipeline, two_years: RosterFiles) -> None:
    pipeline.night(two_years)
    people = pipeline.mappings("user")
    # What the SIS says today differs from what was delivered; the old year's run must not deliver it.
    two_years.change("users", "sue", familyName="Changed")
    two_years.change("users", "sam", status="tobedeleted")
    two_years.change("orgs", "elm", name="Renamed")
    two_years.change("classes", "lit-1", status="tobedeleted")
    two_years.remove("enrollments", "e-pat-lit-2")
    night = pipeline.night(two_years, school_year=LAST_YEAR)
    assert not night.delta["users"]
    assert not night.delta["relationships"]
    created = {row["org_unit_key"] for row in pipeline.rows("delta.org_units", school_year=LAST_YEAR)}
    assert created == {"course_offering:lit-0", "section:lit-0", "school_year:last-year", "term:last-fall"}
    assert night.delta["org_units"] == {"create": 4}
    assert night.delta["enrollments"] == {"create": 2}
    assert pipeline.mappings("user") == people
    # The year itself then goes on as if the backfill had not been.
    assert {row["org_unit_key"] for row in _delta_of(pipeline, two_years)} >= {"school:elm", "course_offering:lit-1"}


def _delta_of(pipeline: Pipeline, files: RosterFiles) -> list[dict[str, object]]:
    pipeline.night(files)
    return pipeline.rows("delta.org_units", school_year=YEAR)


def test_a_later_year_that_was_only_looked_at_holds_nothing(pipeline: Pipeline, two_years: RosterFiles) -> None:
    looked = pipeline.night(two_years, deliver=False)
    # A look at its grades ends well without delivering anything.
    with pipeline.warehouse.transaction(SOURCE, YEAR) as session:
        session.execute(
            "INSERT INTO sync.runs (source_id, school_year, run_id, started_at, status, counts) VALUES "
            "(getvariable('source_id'), getvariable('school_year'), $run_id, now()::TIMESTAMP, 'success', '{}')",
            {"run_id": looked.run_id},
        )
    night = pipeline.night(school_year=LAST_YEAR)
    assert night.delta["users"] == {"create": len(pipeline.mappings("user"))}


def test_a_later_year_that_was_delivered_by_a_run_that_failed_holds_what_it_holds(
    pipeline: Pipeline, two_years: RosterFiles
) -> None:
    pipeline.night(two_years)
    with pipeline.warehouse.transaction(SOURCE, YEAR) as session:
        session.execute("UPDATE sync.runs SET status = 'failed'")
    two_years.change("users", "sue", familyName="Changed")
    assert not pipeline.night(two_years, school_year=LAST_YEAR).delta["users"]


def test_the_next_year_takes_over_people_and_leaves_old_courses(pipeline: Pipeline, two_years: RosterFiles) -> None:
    pipeline.night(two_years, school_year=LAST_YEAR)
    night = pipeline.night(two_years)
    assert not night.delta["users"]
    # What is gone from the newest year is not gone from Brightspace.
    assert night.delta["org_units"].keys() == {"create"}
    assert "lit-0" in pipeline.mappings("course_offering")
    assert "sue|section:lit-0" in pipeline.mappings("enrollment")


def test_a_backfill_repeated_finds_nothing_to_do(pipeline: Pipeline, two_years: RosterFiles) -> None:
    pipeline.night(two_years)
    pipeline.night(school_year=LAST_YEAR)
    for school_year in (YEAR, LAST_YEAR):
        assert not any(pipeline.night(school_year=school_year).delta.values())

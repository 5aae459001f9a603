"""Start and end dates of offerings."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roster_pipeline.settings.courses import Dates
from roster_pipeline_tests.pipeline import Pipeline
from roster_pipeline_tests.roster_files import RosterFiles

Make = Callable[..., Pipeline]


def _dates(pipeline: Pipeline, class_: str) -> tuple[date | None, date | None]:
    offering = pipeline.unit(f"course_offering:{class_}")
    return offering["start_date"], offering["end_date"]


@pytest.mark.rule("CF-076", "CF-079", "CF-097")
def test_without_the_setting_offerings_have_no_dates(pipeline: Pipeline, files: RosterFiles) -> None:
    assert pipeline.settings.courses.dates.inherit is False
    night = pipeline.night(files)
    assert _dates(pipeline, "lit-1") == (None, None)
    assert {(line["start_date"], line["end_date"]) for line in night.lines("Offerings")} == {("", "")}


@pytest.mark.rule("CF-097")
def test_without_the_setting_dates_in_the_metadata_of_the_class_count(pipeline_with: Make, files: RosterFiles) -> None:
    pipeline = pipeline_with(courses={"dates": {"metadata_start": "firstDay", "metadata_end": "lastDay"}})
    files.change("classes", "lit-1", **{"metadata.firstDay": "2026-09-01", "metadata.lastDay": "2026-11-30"})
    pipeline.night(files)
    assert _dates(pipeline, "lit-1") == (date(2026, 9, 1), date(2026, 11, 30))
    assert _dates(pipeline, "lit-2") == (None, None)


@pytest.mark.rule("CF-075", "CF-096", "SK-033", "CF-056")
def test_offerings_take_the_dates_of_their_term_on_creation_and_on_change(
    pipeline_with: Make, files: RosterFiles
) -> None:
    pipeline = pipeline_with(courses={"dates": {"inherit": True}})
    night = pipeline.night(files)
    assert _dates(pipeline, "lit-1") == (date(2026, 8, 15), date(2026, 12, 20))
    assert {line["start_date"][:10] for line in night.lines("Offerings")} == {"2026-08-15"}
    files.change("academicSessions", "fall", endDate="2026-12-22")
    pipeline.night(files)
    changed = pipeline.row("delta.org_units", "org_unit_key = 'course_offering:lit-1'")
    assert changed["changed_fields"] == ["end_date"]
    assert changed["after"]["end_date"] == "2026-12-22"


@pytest.mark.rule("CF-077")
@pytest.mark.parametrize(
    ("session_type", "expected"),
    [
        ("term", (date(2026, 8, 15), date(2026, 12, 20))),
        ("semester", (date(2026, 8, 10), date(2027, 1, 20))),
        ("schoolYear", (date(2026, 8, 1), date(2027, 6, 30))),
        ("gradingPeriod", (date(2026, 8, 15), date(2026, 10, 15))),
    ],
)
def test_each_session_type_gives_its_dates(
    pipeline_with: Make, files: RosterFiles, session_type: str, expected: tuple[date, date]
) -> None:
    # The class lists the grading period; the other sessions are its ancestors.
    files.session("half", "semester", "2026-08-10", "2027-01-20", parentSourcedId="year")
    files.change("academicSessions", "fall", parentSourcedId="half")
    files.change("classes", "lit-1", termSourcedIds=["q1"])
    pipeline = pipeline_with(courses={"dates": {"inherit": True, "session_type": session_type}})
    pipeline.night(files)
    assert _dates(pipeline, "lit-1") == expected


@pytest.mark.rule("CF-077")
def test_the_session_type_is_term_unless_said_otherwise(pipeline: Pipeline) -> None:
    assert pipeline.settings.courses.dates.session_type == "term"


@pytest.mark.rule("CF-078")
def test_a_class_without_a_session_of_the_type_has_no_dates_and_an_issue(
    pipeline_with: Make, files: RosterFiles
) -> None:
    pipeline = pipeline_with(courses={"dates": {"inherit": True, "session_type": "semester"}})
    night = pipeline.night(files)
    assert _dates(pipeline, "lit-1") == (None, None)
    issues = pipeline.issues(night, "class.date_session_missing")
    assert {row["sourced_id"] for row in issues} == {"lit-1", "lit-2", "math-1"}


@pytest.mark.rule("CF-080")
@pytest.mark.parametrize(("terms", "start"), [(["fall", "spring"], 2026), (["spring", "fall"], 2027)])
def test_the_first_session_of_the_class_decides(
    pipeline_with: Make, files: RosterFiles, terms: list[str], start: int
) -> None:
    pipeline = pipeline_with(courses={"dates": {"inherit": True}})
    files.change("classes", "lit-2", termSourcedIds=terms)
    pipeline.night(files)
    first, _ = _dates(pipeline, "lit-2")
    assert first is not None
    assert first.year == start


@pytest.mark.rule("CF-081")
def test_dates_move_by_the_offsets(pipeline_with: Make, files: RosterFiles) -> None:
    dates = {"inherit": True, "start_offset_days": -7, "end_offset_days": 14}
    pipeline = pipeline_with(courses={"dates": dates})
    pipeline.night(files)
    assert _dates(pipeline, "lit-1") == (date(2026, 8, 8), date(2027, 1, 3))


@pytest.mark.rule("CF-081")
def test_offsets_that_turn_the_dates_round_give_none_and_an_issue(pipeline_with: Make, files: RosterFiles) -> None:
    dates = {"inherit": True, "start_offset_days": 100, "end_offset_days": -100}
    pipeline = pipeline_with(courses={"dates": dates})
    night = pipeline.night(files)
    assert _dates(pipeline, "lit-1") == (None, None)
    assert "lit-1" in {row["sourced_id"] for row in pipeline.issues(night, "class.dates_contradict")}


@pytest.mark.rule("CF-081")
@given(st.dictionaries(st.sampled_from(["start_offset_days", "end_offset_days"]), st.integers(-365, 365)))
def test_every_offset_of_up_to_a_year_may_be_set(offsets: dict[str, Any]) -> None:
    dates = Dates(inherit=True, **offsets)
    assert dates.start_offset_days == offsets.get("start_offset_days", 0)
    assert dates.end_offset_days == offsets.get("end_offset_days", 0)

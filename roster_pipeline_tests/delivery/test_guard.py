"""The guard from outside: what holds a delta back, in which words, and what does not."""

from collections.abc import Callable

import pytest

from roster_pipeline_tests.pipeline import Night, Pipeline
from roster_pipeline_tests.roster_files import RosterFiles, maple

DELETED = {"status": "tobedeleted", "dateLastModified": "2026-11-20T00:00:00.000Z"}


EVERY_ROW_COUNTS = {"safety": {"ignore_below": 1}}


@pytest.fixture
def guarded(delivered_with: Callable[..., Pipeline]) -> Pipeline:
    """A pipeline that has delivered `files`, in which even one row counts."""
    return delivered_with(**EVERY_ROW_COUNTS)


def _only_objection(night: Night) -> str:
    (objection,) = night.verdict.objections
    assert night.bundle is None
    assert night.verdict.largest_groups or not any(night.delta.values())
    return objection


def _large_school() -> RosterFiles:
    """Elm with one pupil, Oak with fifty."""
    files = maple()
    for number in range(50):
        files.enroll(files.user(f"oak-{number}", "student", ["oak"]), "lit-2")
    return files


def test_a_quiet_night_passes(guarded: Pipeline, files: RosterFiles) -> None:
    night = guarded.night(files)
    assert night.verdict.passes
    assert night.verdict.largest_groups == []


def test_fewer_rows_than_ignored_pass_whatever_their_share(
    delivered_with: Callable[..., Pipeline], files: RosterFiles
) -> None:
    pipeline = delivered_with(safety={"ignore_below": 5})
    for name in ("e-sue-lit-1", "e-sam-lit-1"):
        files.remove("enrollments", name)
    assert pipeline.night(files).verdict.passes


def test_removals_are_weighed_school_by_school(pipeline_with: Callable[..., Pipeline]) -> None:
    pipeline = pipeline_with(safety={"ignore_below": 2, "max_removed_percent": 25})
    files = _large_school()
    pipeline.night(files)
    for name in ("e-sue-lit-1", "e-sam-lit-1", "e-sam-math-1"):
        files.remove("enrollments", name)
    night = pipeline.night(files)
    objection = _only_objection(night)
    assert "enrollments of Elm Elementary would be removed" in objection
    assert "safety.max_removed_percent is 25" in objection
    first = night.verdict.largest_groups[0]
    assert (first.place, first.action, first.rows) == ("Elm Elementary", "delete", 6)


def test_courses_are_weighed_school_by_school(pipeline_with: Callable[..., Pipeline], files: RosterFiles) -> None:
    for number in range(30):
        files.class_(f"oak-{number}", "lit", "oak", ["fall"], f"CPLI1/{number + 100}")
    pipeline = pipeline_with(safety={"ignore_below": 2, "max_removed_percent": 40})
    pipeline.night(files)
    files.modes["classes"] = "delta"
    files.rows["classes"] = {name: {**files.rows["classes"][name], **DELETED} for name in ("lit-1", "math-1")}
    objections = pipeline.night(files).verdict.objections
    assert [o for o in objections if "4 of 4 course offerings and sections of Elm Elementary would be removed" in o]
    assert not [o for o in objections if "Oak" in o]


def test_changes_are_weighed_too(guarded: Pipeline, files: RosterFiles) -> None:
    for user in ("sam", "sue", "pat"):
        files.change("users", user, familyName="Other")
    assert "3 of 5 users would be changed (60.0 %" in _only_objection(guarded.night(files))


@pytest.mark.parametrize(("resource", "rows"), [("users", 5), ("classes", 3), ("enrollments", 6)])
def test_an_extract_without_any_row_of_a_resource_is_held(
    guarded: Pipeline, files: RosterFiles, resource: str, rows: int
) -> None:
    files.rows[resource].clear()
    for _ in range(2):  # a held extract is not what the next one is compared with
        objections = guarded.night(files).verdict.objections
        assert f"The extract holds no {resource} at all; the last one that was delivered from held {rows}" in objections


def test_an_emptied_resource_that_was_accepted_is_held_no_more(guarded: Pipeline, files: RosterFiles) -> None:
    files.rows["enrollments"].clear()
    assert not guarded.night(files).verdict.passes
    guarded.night(files, accept=True)
    assert guarded.night(files).verdict.passes


def test_few_rows_may_vanish_as_a_whole(delivered_with: Callable[..., Pipeline], files: RosterFiles) -> None:
    pipeline = delivered_with(safety={"ignore_below": 20})
    files.rows["enrollments"].clear()
    assert pipeline.night(files).verdict.passes


def test_a_school_with_people_that_vanishes_is_held_once(guarded: Pipeline, files: RosterFiles) -> None:
    files.remove("orgs", "oak")
    for _ in range(2):
        (objection,) = [o for o in guarded.night(files).verdict.objections if o.startswith("School")]
        assert objection.startswith("School Oak Elementary (oak), with 1 people in it, is no longer in the extract")
    guarded.night(files, accept=True)
    assert guarded.night(files).verdict.passes, "what a person accepted is not asked again"
    files.org("oak", "school", "Oak Elementary", identifier="0502", parentSourcedId="district")
    guarded.night(files, accept=True)
    files.remove("orgs", "oak")
    assert not guarded.night(files).verdict.passes, "a school that came back may not vanish unseen"


def test_a_school_that_the_sis_deletes_or_that_is_empty_may_go(
    pipeline_with: Callable[..., Pipeline], files: RosterFiles
) -> None:
    files.org("ash", "school", "Ash Elementary", identifier="0503", parentSourcedId="district")
    pipeline = pipeline_with(**EVERY_ROW_COUNTS)
    pipeline.night(files)
    files.remove("orgs", "ash")
    assert pipeline.night(files).verdict.passes


def _with_new_ids(files: RosterFiles, resource: str) -> RosterFiles:
    """Every sourcedId of a resource replaced, wherever it is named."""
    old = set(files.rows[resource])
    for rows in files.rows.values():
        for values in rows.values():
            for key, value in values.items():
                if isinstance(value, list):
                    values[key] = [f"{item}-new" if item in old else item for item in value]
                elif value in old:
                    values[key] = f"{value}-new"
    files.rows[resource] = {f"{name}-new": values for name, values in files.rows[resource].items()}
    return files


@pytest.mark.parametrize(
    ("resource", "told"),
    [
        ("users", "5 of 5 users come under a new sourcedId, with the username or org-defined id"),
        ("classes", "3 of 3 classes come under a new sourcedId, with the code and name"),
    ],
)
def test_new_ids_for_all_are_held(guarded: Pipeline, files: RosterFiles, resource: str, told: str) -> None:
    night = guarded.night(_with_new_ids(files, resource))
    assert [objection for objection in night.verdict.objections if objection.startswith(told)]
    assert night.bundle is None
    assert "create" in {group.action for group in night.verdict.largest_groups}


def test_new_ids_for_a_few_are_not_held(guarded: Pipeline, files: RosterFiles) -> None:
    row = files.rows["users"].pop("sue")
    files.rows["users"]["sue-new"] = {**row, "sourcedId": "sue-new"}
    files.remove("enrollments", "e-sue-lit-1")
    objections = guarded.night(files).verdict.objections
    assert not [objection for objection in objections if "new sourcedId" in objection]


def test_what_the_guard_says_names_no_person(guarded: Pipeline, files: RosterFiles) -> None:
    for user in ("sam", "sue", "pat"):
        files.change("users", user, familyName="Other")
    files.rows["enrollments"].clear()
    verdict = guarded.night(files).verdict
    told = f"{verdict.objections} {verdict.largest_groups}"
    for word in ("Given", "Family", "Other", "login", "sam", "sue"):
        assert word not in told

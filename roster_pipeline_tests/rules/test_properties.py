"""What holds for any two rosters: the delta leads from one to the other, and nothing else does."""

import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roster_pipeline_tests.pipeline import Pipeline
from roster_pipeline_tests.roster_files import RosterFiles, maple

#: A night takes about half a second, so the examples are few and rich.
FEW = settings(max_examples=6, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@pytest.fixture(autouse=True)
def _several_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads that overtake each other are one more order of rows."""
    monkeypatch.setenv("ROSTER_THREADS", "4")


PUPILS = [f"pupil-{number}" for number in range(5)]
CLASSES = ["lit-1", "lit-2", "math-1"]

#: The state of every object that a roster may differ in.
ROSTERS = st.fixed_dictionaries(
    {
        "pupils": st.fixed_dictionaries(
            {
                pupil: st.fixed_dictionaries(
                    {
                        "givenName": st.sampled_from(["Ann", "Bob", "Zoë"]),
                        "orgSourcedIds": st.sampled_from([["elm"], ["oak"], ["elm", "oak"], []]),
                        "enabledUser": st.sampled_from(["true", "false"]),
                        "status": st.sampled_from(["active", "active", "inactive", "tobedeleted"]),
                        "agentSourcedIds": st.sampled_from([[], ["gus"]]),
                    }
                )
                for pupil in PUPILS
            }
        ),
        "classes": st.fixed_dictionaries(
            {
                class_: st.fixed_dictionaries(
                    {
                        "classCode": st.sampled_from(["X/001", "X/002"]),
                        "termSourcedIds": st.sampled_from([["fall"], ["spring", "fall"]]),
                        "status": st.sampled_from(["active", "active", "active", "inactive", "tobedeleted"]),
                    }
                )
                for class_ in CLASSES
            }
        ),
        "enrollments": st.sets(st.tuples(st.sampled_from(PUPILS), st.sampled_from(CLASSES)), max_size=10),
        "school": st.sampled_from(["Elm Elementary", "Elm Academy"]),
    }
)


def _files(roster: dict[str, Any]) -> RosterFiles:
    files = maple()
    for pupil, values in roster["pupils"].items():
        files.user(pupil, "student", orgs=values["orgSourcedIds"])
        files.change("users", pupil, **values)
    for class_, values in roster["classes"].items():
        files.change("classes", class_, **values)
    files.change("orgs", "elm", name=roster["school"])
    for pupil, class_ in sorted(roster["enrollments"]):
        files.enroll(pupil, class_)
    return files


@contextmanager
def _pipeline() -> Iterator[Pipeline]:
    with tempfile.TemporaryDirectory() as folder:
        yield Pipeline(
            Path(folder) / "home",
            {"courses": {"dates": {"inherit": True}, "unenroll": {"when_org_left": True}}},
        )


def _managed(pipeline: Pipeline) -> dict[tuple[str, str], Any]:
    return {(row["kind"], row["sourced_id"]): row["fields"] for row in pipeline.rows("sync.mappings")}


def _is_left_behind(kind: str, sourced_id: str, fields: dict[str, Any], roster: dict[str, Any]) -> bool:
    """Whether what a fresh Brightspace would not have is what the rules leave where it is."""
    if kind == "user":
        return bool(roster["pupils"][sourced_id]["status"] == "tobedeleted" and fields["is_active"] is False)
    if kind in {"course_offering", "section", "course_template"}:
        # A class that is inactive is switched off, not taken away; a template outlives its classes.
        return kind != "course_offering" or fields["is_active"] is False
    if kind == "relationship":
        return bool(roster["pupils"][sourced_id.partition("|")[0]]["status"] == "tobedeleted")
    pupil, _, key = sourced_id.partition("|")
    class_ = key.partition(":")[2]
    user_is_gone = roster["pupils"].get(pupil, {}).get("status") == "tobedeleted"
    class_is_off = roster["classes"].get(class_, {}).get("status") == "inactive"
    return user_is_gone or class_is_off


@FEW
@given(before=ROSTERS, after=ROSTERS)
def test_the_delta_after_one_roster_leads_to_the_state_of_the_other(before: Any, after: Any) -> None:
    with _pipeline() as pipeline, _pipeline() as fresh:
        pipeline.night(_files(before), accept=True)
        pipeline.night(_files(after), accept=True)
        fresh.night(_files(after))
        there, expected = _managed(pipeline), _managed(fresh)
        assert {key: there.get(key) for key in expected} == expected
        beyond = {key: fields for key, fields in there.items() if key not in expected}
        assert not {key: fields for key, fields in beyond.items() if not _is_left_behind(*key, fields, after)}
        # The state is reached: the same roster again changes nothing.
        assert not any(pipeline.night(_files(after)).delta.values())


@FEW
@given(roster=ROSTERS, seed=st.integers(0, 2**32))
def test_an_unchanged_roster_in_any_order_of_rows_gives_an_empty_delta(roster: Any, seed: int) -> None:
    with _pipeline() as pipeline:
        files = _files(roster)
        pipeline.night(files)
        before = pipeline.rows("brightspace.org_units")
        shuffled = deepcopy(files)
        chance = random.Random(seed)
        for resource, rows in files.rows.items():
            order = list(rows)
            chance.shuffle(order)
            shuffled.rows[resource] = {sourced_id: rows[sourced_id] for sourced_id in order}
        night = pipeline.night(shuffled)
        assert not any(night.delta.values())
        assert night.bundle is None
        assert pipeline.rows("brightspace.org_units") == before

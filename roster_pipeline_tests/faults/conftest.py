"""A district with a night behind it and changes still to deliver, made once and copied for every fault."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from roster_pipeline_tests.faults.outcome import Outcome, next_night, outcome
from roster_pipeline_tests.faults.processes import delivery
from roster_pipeline_tests.pipeline import Pipeline
from roster_pipeline_tests.roster_files import RosterFiles, maple


def change(files: RosterFiles) -> RosterFiles:
    """A day at the district: something of everything comes, changes and goes."""
    files.user("nia", "student", ["oak"], agentSourcedIds=["gus"])
    files.enroll("nia", "lit-2")
    files.change("users", "sue", familyName="Married")
    files.change("classes", "math-1", classCode="MATH/009")
    files.remove("enrollments", "e-sue-lit-1")
    files.change("users", "pat", status="tobedeleted", dateLastModified="2026-11-20T00:00:00Z")
    return files


@pytest.fixture(scope="package")
def before_delivery(delivered_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose second night has worked out its delta and not delivered it."""
    folder = tmp_path_factory.mktemp("before") / "home"
    shutil.copytree(delivered_home, folder)
    Pipeline(folder).night(change(maple()), deliver=False)
    return folder


@pytest.fixture
def due(before_delivery: Path, tmp_path: Path) -> Pipeline:
    """A copy of that home for one test."""
    shutil.copytree(before_delivery, tmp_path / "home")
    return Pipeline(tmp_path / "home")


@pytest.fixture(scope="package")
def undisturbed(before_delivery: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """What there is when nothing goes wrong."""
    folder = tmp_path_factory.mktemp("undisturbed") / "home"
    shutil.copytree(before_delivery, folder)
    delivery(folder)
    pipeline = Pipeline(folder)
    next_night(pipeline)
    return outcome(pipeline)


@pytest.fixture
def copies(before_delivery: Path, tmp_path: Path) -> Callable[[str], Pipeline]:
    """Makes further copies of that home, by name."""

    def copy(name: str) -> Pipeline:
        return Pipeline(Path(shutil.copytree(before_delivery, tmp_path / name)))

    return copy

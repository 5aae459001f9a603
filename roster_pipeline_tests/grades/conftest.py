"""Fixtures for the way back: a small district with its SIS on loopback."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from roster_pipeline.sandbox.sis_server import SandboxSis
from roster_pipeline_tests.grades.school import School, small_district


@pytest.fixture(scope="session")
def loaded_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose warehouse holds the small district, delivered to Brightspace; tests work on copies."""
    home = tmp_path_factory.mktemp("loaded") / "home"
    with SandboxSis(small_district()) as sis, pytest.MonkeyPatch.context() as environment:
        environment.setenv("SIS_SECRET", sis.client_secret)
        School(home, sis).pipeline.night()
    return home


@pytest.fixture
def sis(monkeypatch: pytest.MonkeyPatch) -> Iterator[SandboxSis]:
    """The SIS of the small district."""
    with SandboxSis(small_district()) as server:
        monkeypatch.setenv("SIS_SECRET", server.client_secret)
        yield server


@pytest.fixture
def school_with(tmp_path: Path, sis: SandboxSis, loaded_home: Path) -> Callable[..., School]:
    """Makes a school whose `grade_export` has values of the test's own."""

    def make(**export: object) -> School:
        home = tmp_path / "home"
        shutil.copytree(loaded_home, home)
        return School(home, sis, **export)

    return make


@pytest.fixture
def school(school_with: Callable[..., School]) -> School:
    """A school with the Skyward policy."""
    return school_with()

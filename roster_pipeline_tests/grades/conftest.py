"""Fixtures for the way back: a small district with its SIS on loopback."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from roster_pipeline.sandbox.sis_server import SandboxSis
from roster_pipeline_tests.grades.school import School, small_district


@pytest.fixture
def sis(monkeypatch: pytest.MonkeyPatch) -> Iterator[SandboxSis]:
    """The SIS of the small district."""
    with SandboxSis(small_district()) as server:
        monkeypatch.setenv("SIS_SECRET", server.client_secret)
        yield server


@pytest.fixture
def school_with(tmp_path: Path, sis: SandboxSis) -> Callable[..., School]:
    """Makes a school whose `grade_export` has values of the test's own."""
    return lambda **export: School(tmp_path / "home", sis, **export)


@pytest.fixture
def school(school_with: Callable[..., School]) -> School:
    """A school with the Skyward policy."""
    return school_with()

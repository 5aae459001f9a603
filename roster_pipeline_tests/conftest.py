"""Fixtures for all tests: a pipeline in a folder of its own."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from roster_pipeline_tests.pipeline import Pipeline
from roster_pipeline_tests.roster_files import RosterFiles, maple


@pytest.fixture
def files() -> RosterFiles:
    """A small roster without a fault."""
    return maple()


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    """A pipeline with the Skyward profile and default settings."""
    return Pipeline(tmp_path / "home")


@pytest.fixture
def pipeline_with(tmp_path: Path) -> Callable[..., Pipeline]:
    """Makes a pipeline with settings of the test's own."""

    def make(**settings: Any) -> Pipeline:
        return Pipeline(tmp_path / "home", settings)

    return make

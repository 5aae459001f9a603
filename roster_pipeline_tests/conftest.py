"""Fixtures for all tests: a pipeline in a folder of its own, new or with a first night behind it."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from roster_pipeline.brightspace import auth, connection
from roster_pipeline_tests.pipeline import Pipeline
from roster_pipeline_tests.roster_files import RosterFiles, maple


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """Each worker has one processor; more threads of DuckDB would only wait for each other."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("ROSTER_THREADS", os.environ.get("ROSTER_THREADS", "1"))
        yield


@pytest.fixture(autouse=True)
def _own_dagster_home() -> Iterator[None]:
    """A command that runs in the test's process points Dagster at its home, and the next test has another."""
    os.environ.pop("DAGSTER_HOME", None)
    yield
    os.environ.pop("DAGSTER_HOME", None)


@pytest.fixture(autouse=True)
def _quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting between two calls of Brightspace is tested by what is tried, not by the clock."""
    for module in (auth, connection):
        monkeypatch.setattr(module, "_FIRST_WAIT", 0.01)


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


@pytest.fixture(scope="session")
def delivered_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a Skyward district with default settings that has delivered `maple()`; tests work on copies."""
    home = tmp_path_factory.mktemp("delivered") / "home"
    Pipeline(home).night(maple())
    return home


@pytest.fixture
def delivered_with(delivered_home: Path, tmp_path: Path) -> Callable[..., Pipeline]:
    """Makes a pipeline that has delivered `files` under default settings and goes on with those of the test."""

    def make(**settings: Any) -> Pipeline:
        return Pipeline(Path(shutil.copytree(delivered_home, tmp_path / "home")), settings)

    return make


@pytest.fixture
def delivered(delivered_with: Callable[..., Pipeline]) -> Pipeline:
    """A pipeline that has delivered `files`: the test's first night is the second one."""
    return delivered_with()

"""Homes of their own for whole programs."""

import os
import shutil
from pathlib import Path

import pytest

from roster_pipeline.home import Home
from roster_pipeline.sandbox.playground import place_example

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def csv_home(tmp_path: Path) -> Home:
    """A home with the example source that reads a zip."""
    home = Home(tmp_path / "home")
    place_example(home, "maple_csv")
    (home.root / "sandbox").mkdir()
    shutil.copy(REPOSITORY / "data" / "sandbox" / "maple.zip", home.root / "sandbox" / "maple.zip")
    return home


@pytest.fixture
def environment(csv_home: Home) -> dict[str, str]:
    """The environment in which programs find that home, and nothing of this machine's Dagster."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("DAGSTER", "ROSTER"))}
    return {**inherited, "ROSTER_HOME": str(csv_home.root), "PYTHONWARNINGS": "default"}

"""Writes down what Brightspace holds already, for tests of linking."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from roster_pipeline.warehouse.existing import ORG_UNIT_COLUMNS, USER_COLUMNS
from roster_pipeline_tests.pipeline import SOURCE, Pipeline

Rows = Sequence[Mapping[str, Any]]


def brightspace_holds(pipeline: Pipeline, *, users: Rows = (), org_units: Rows = ()) -> None:
    """Put the two files of the source's folder `existing`."""
    folder = pipeline.home.sources / SOURCE / "existing"
    write_existing(folder / "users.csv", USER_COLUMNS, [{"role": "Learner", "is_active": 1, **row} for row in users])
    write_existing(folder / "org_units.csv", ORG_UNIT_COLUMNS, [{"is_active": 1, **row} for row in org_units])


def write_existing(path: Path, columns: tuple[str, ...], rows: Rows) -> None:
    """Write one of the files."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, extrasaction="raise")
        writer.writeheader()
        writer.writerows(rows)

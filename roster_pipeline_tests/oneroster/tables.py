"""Whole extracts as Python values, to compare one with another."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from roster_pipeline.oneroster.extract import Extract, Extractor
from roster_pipeline.oneroster.raw_parquet import raw_schema
from roster_pipeline.oneroster.resources import POSITION, ROSTER_RESOURCES

Tables = dict[str, list[dict[str, Any]]]


def no_progress(resource: str, rows: int, total: int | None) -> None:
    """For tests that do not look at progress."""


def extract_of(extractor: Extractor, destination: Path) -> Extract:
    """Extract into a new folder."""
    destination.mkdir()
    return extractor.extract(destination, no_progress)


def tables_of(extract: Extract) -> Tables:
    """Every raw table of an extract, in the order of its feed and with its columns checked."""
    tables: Tables = {}
    for resource in ROSTER_RESOURCES:
        table = pq.read_table(extract.resources[resource.name].path)
        assert table.schema.equals(raw_schema(resource)), resource.name
        rows = sorted(table.to_pylist(), key=lambda row: row[POSITION])
        assert len(rows) == extract.resources[resource.name].rows
        tables[resource.name] = [{name: value for name, value in row.items() if name != POSITION} for row in rows]
    return tables


def by_id(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The rows by their id."""
    return {row["sourcedId"]: row for row in rows}


def changed(tables: Tables, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Tables:
    """The tables with every row changed."""
    return {name: [change(row) for row in rows] for name, rows in tables.items()}


def codes(extract: Extract) -> list[tuple[str, str]]:
    """Code and kind of every finding."""
    return [(finding.code, finding.kind) for finding in extract.findings]


def is_empty(folder: Path) -> bool:
    """Whether nothing at all was left behind."""
    return not list(folder.iterdir())

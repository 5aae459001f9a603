"""A district with a million students fits into the night's window."""

import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from roster_pipeline.brightspace.standard_csv import stage_bundle

from .test_standard_csv import NOW, TABLES

ENROLLMENTS = 8_000_000
#: Generous: two cores take a quarter of it.
SECONDS = 40


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(tmp_path / "rows.duckdb") as connection:
        connection.execute("SET memory_limit = '1GB'")
        connection.execute(TABLES)
        connection.execute(
            "INSERT INTO enrollments SELECT 'UPDATE', 'student-' || (number % 1000000), 'Learner', "
            f"'class-' || (number // 20) || '-S', number FROM range({ENROLLMENTS}) AS numbers (number)"
        )
        yield connection


@pytest.mark.benchmark
def test_millions_of_enrollments_take_seconds(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    started = time.monotonic()
    bundle = stage_bundle(connection, tmp_path / "staging", NOW, "3.0")
    assert time.monotonic() - started < SECONDS
    assert bundle.rows == {"Enrollments": ENROLLMENTS}

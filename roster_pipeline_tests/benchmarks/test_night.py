"""A whole night from a folder to the outbox, beside bare DuckDB doing the same reads, joins and comparison.

ROSTER_BENCHMARK_STUDENTS sets the district's size. Prints the seconds of both and the peak memory of our process: of a
first night, of nights with another 1 % of the students and of their enrollments changed each, as medians, and of nights
without a change.
"""

import os
import resource
import statistics
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import duckdb
import pytest
import yaml

from roster_pipeline.sandbox.csv_bundle import write_csv_bundle
from roster_pipeline.sandbox.generator import made_up_objects
from roster_pipeline.warehouse.database import MEMORY_LIMIT

pytestmark = pytest.mark.benchmark

STUDENTS = int(os.environ.get("ROSTER_BENCHMARK_STUDENTS", "20000"))
#: A whole job of a district of 20,000 students takes at most this, seconds, the start of Python and Dagster included.
WHOLE_JOB_BUDGET = 15.0
YEAR = "2026-2027"
#: Nights of one kind, after the first.
REPEATS = 3


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("night")
    (home / "sources").mkdir()
    source = {"name": "Maple", "profile": "skyward", "connection": {"kind": "folder", "path": "feed"}}
    (home / "sources" / "maple.yaml").write_text(yaml.safe_dump(source), "utf-8")
    write_csv_bundle(made_up_objects(STUDENTS, today=date(2026, 11, 23), seed=1, years=1), home / "feed")
    return home


#: By file: the column that changes in one row of a hundred, and its new value.
_CHANGES = {
    "users": ("familyName", "\"familyName\" || '-Jones'"),
    "enrollments": ("userSourcedId", 'lag("userSourcedId") OVER (ORDER BY rowid)'),
}


def _change_one_percent(feed: Path, turn: int) -> None:
    """Change the rows whose turn it is; there are a hundred turns."""
    with duckdb.connect() as database:
        for file, (column, value) in _CHANGES.items():
            path = feed / f"{file}.csv"
            database.execute(f"CREATE OR REPLACE TABLE rows AS FROM read_csv('{path}', all_varchar = true)")
            database.execute(
                f"""
                COPY (
                    SELECT * REPLACE (
                        CASE
                            WHEN hash("sourcedId") % 100 = {turn} AND "role" = 'student' THEN {value} ELSE "{column}"
                        END AS "{column}"
                    )
                    FROM rows
                ) TO '{path}' (HEADER)
                """
            )


def _bare_night(home: Path) -> float:
    work = home / "bare"
    work.mkdir(exist_ok=True)
    text = (Path(__file__).parent / "bare_night.sql").read_text("utf-8")
    started = time.monotonic()
    with duckdb.connect(str(work / "bare.duckdb"), config={"memory_limit": MEMORY_LIMIT}) as database:
        database.execute(text.format(feed=home / "feed", work=work))
    return time.monotonic() - started


def _our_night(home: Path) -> float:
    started = time.monotonic()
    subprocess.run(
        [Path(sys.executable).with_name("roster"), "sync", "maple", "--school-year", YEAR, "--accept-changes"],
        env={**os.environ, "ROSTER_HOME": str(home)},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return time.monotonic() - started


def test_nights_beside_bare_duckdb(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nights: dict[str, list[tuple[float, float]]] = {}
    for turn, name in enumerate(["first night", *["1 % changed"] * REPEATS, *["unchanged"] * REPEATS]):
        if name == "1 % changed":
            _change_one_percent(home / "feed", turn)
        nights.setdefault(name, []).append((_our_night(home), _bare_night(home)))
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    with capsys.disabled():
        print(f"\n{STUDENTS:,} students; peak of our process {peak:,.0f} MiB")  # noqa: T201 - the figures are the result
        for name, seconds in nights.items():
            ours, bare = (statistics.median(each) for each in zip(*seconds, strict=True))
            print(f"  {name}: {ours:.1f} s, bare DuckDB {bare:.1f} s, ratio {ours / bare:.2f}")  # noqa: T201
    if STUDENTS <= 20_000:
        assert all(ours <= WHOLE_JOB_BUDGET for seconds in nights.values() for ours, _ in seconds)

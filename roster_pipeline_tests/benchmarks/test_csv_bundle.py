"""A CSV package into raw Parquet beside bare DuckDB doing the same copies, in the same run."""

import resource
import statistics
import time
import zipfile
from pathlib import Path

import duckdb
import pytest

from roster_pipeline.oneroster.csv_bundle import CsvBundle
from roster_pipeline.oneroster.resources import ROSTER_RESOURCES
from roster_pipeline_tests.oneroster.tables import extract_of
from roster_pipeline_tests.roster_files import maple

pytestmark = pytest.mark.benchmark

STUDENTS = 200_000
ROUNDS = 3
#: The bare copies split no lists, keep no places in the feed, account for no lines and drop no passwords.
BUDGET = 2.5


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package of a district of that size: 1.3 users and 7.3 enrollments a student."""
    folder = maple().write(tmp_path_factory.mktemp("package"))
    with duckdb.connect() as database:
        database.execute(
            f"""
            COPY (
                SELECT
                    'user-' || i AS "sourcedId", '' AS "status", '' AS "dateLastModified", 'true' AS "enabledUser",
                    'elm' AS "orgSourcedIds", 'student' AS "role", 'user' || i AS "username",
                    '{{{{LDAP:' || i || '}}}},{{{{SIS:' || i || '}}}}' AS "userIds", 'Given' || i % 5000 AS "givenName",
                    'Family' || i % 9000 AS "familyName", '' AS "middleName", i AS "identifier",
                    'user' || i || '@maple.example' AS "email", '' AS "sms", '' AS "phone",
                    'user-' || i // 2 AS "agentSourcedIds", '03' AS "grades", 'secret' AS "password"
                FROM range({STUDENTS * 13 // 10}) AS numbers (i)
            ) TO '{folder}/users.csv' (HEADER)
            """
        )
        database.execute(
            f"""
            COPY (
                SELECT
                    'enrollment-' || i AS "sourcedId", '' AS "status", '' AS "dateLastModified",
                    'class-' || i % 50000 AS "classSourcedId", 'elm' AS "schoolSourcedId",
                    'user-' || i // 7 AS "userSourcedId", 'student' AS "role", '' AS "primary",
                    '2026-08-20' AS "beginDate", '2027-06-01' AS "endDate"
                FROM range({STUDENTS * 73 // 10}) AS numbers (i)
            ) TO '{folder}/enrollments.csv' (HEADER)
            """
        )
    return folder


def bare_copies(package: Path, destination: Path) -> None:
    destination.mkdir()
    with duckdb.connect() as database:
        for name in (each.name for each in ROSTER_RESOURCES):
            database.execute(
                f"COPY (FROM read_csv('{package}/{name}.csv', all_varchar = true)) "
                f"TO '{destination}/{name}.parquet' (FORMAT parquet, COMPRESSION zstd)"
            )


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_beside_bare_duckdb(package: Path, tmp_path: Path, packed: bool) -> None:
    path = package
    if packed:
        path = tmp_path / "package.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for file in package.iterdir():
                archive.write(file, file.name)
    bare: list[float] = []
    ours: list[float] = []
    rows = 0
    for number in range(ROUNDS):
        started = time.perf_counter()
        bare_copies(package, tmp_path / f"bare-{number}")
        bare.append(time.perf_counter() - started)
        started = time.perf_counter()
        extracted = extract_of(CsvBundle(path), tmp_path / f"extract-{number}")
        ours.append(time.perf_counter() - started)
        rows = sum(each.rows for each in extracted.resources.values())
    ratio = statistics.median(ours) / statistics.median(bare)
    print(  # noqa: T201 - a benchmark is read
        f"\n{rows:,} rows: bare {statistics.median(bare):.2f} s, extract {statistics.median(ours):.2f} s, "
        f"ratio {ratio:.2f}, peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB"
    )
    assert ratio <= BUDGET

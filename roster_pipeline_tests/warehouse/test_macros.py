"""How text of a SIS and of a gradebook is read."""

from collections.abc import Iterator
from datetime import date

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roster_pipeline.warehouse.connection import sql_text


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'Asia/Tokyo'")  # nothing may depend on where the pipeline runs
        connection.execute("SET VARIABLE timezone = 'America/Chicago'")
        connection.execute(sql_text("macros"))
        connection.execute(sql_text("grades/macros"))
        yield connection


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-09-01T05:00:00.000Z", "2026-09-01 05:00:00"),
        ("2026-09-01T05:00:00.1234567Z", "2026-09-01 05:00:00.123456"),
        ("2026-09-01 05:00:00", "2026-09-01 05:00:00"),
        ("2026-09-01", "2026-09-01 00:00:00"),
        ("2026-09-01T05:00:00-05:00", "2026-09-01 10:00:00"),
        ("2026-09-01T05:00:00.5-0500", "2026-09-01 10:00:00.5"),
        ("2026-09-01 05:00:00 +05:30", "2026-08-31 23:30:00"),
        ("1693555200", "2023-09-01 08:00:00"),
        ("1693555200000", "2023-09-01 08:00:00"),
        ("9999999999", None),
        ("0001-01-01T00:00:00", None),
        ("9999-12-31T00:00:00Z", None),
        ("2026", None),
        ("infinity", None),
        ("epoch", None),
        ("yesterday", None),
        (None, None),
    ],
)
def test_timestamps(database: duckdb.DuckDBPyConnection, text: str | None, expected: str | None) -> None:
    assert database.execute("SELECT parse_timestamp($text)::VARCHAR", {"text": text}).fetchone() == (expected,)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-09-01", date(2026, 9, 1)),
        ("2026-9-1", date(2026, 9, 1)),
        ("2026-09-01T23:59:59-05:00", date(2026, 9, 1)),
        ("09/01/2026", date(2026, 9, 1)),
        ("9/1/2026", date(2026, 9, 1)),
        ("9/1/26", None),
        ("13/01/2026", None),
        ("2026-02-30", None),
        ("0001-01-01", None),
        ("9999-12-31", None),
        ("fall of 2026", None),
        (None, None),
    ],
)
def test_dates(database: duckdb.DuckDBPyConnection, text: str | None, expected: date | None) -> None:
    assert database.execute("SELECT parse_date($text)", {"text": text}).fetchone() == (expected,)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-21T05:59:00Z", date(2026, 11, 20)),
        ("2026-11-21T06:00:00Z", date(2026, 11, 21)),
        ("2026-11-20T02:00:00-06:00", date(2026, 11, 20)),
        ("2026-11-20T23:00:00-06:00", date(2026, 11, 20)),
        ("2026-11-20T23:00:00", date(2026, 11, 20)),
        ("2026-11-20", date(2026, 11, 20)),
    ],
)
def test_an_instant_belongs_to_the_day_of_the_districts_clocks(
    database: duckdb.DuckDBPyConnection, text: str, expected: date
) -> None:
    assert database.execute("SELECT local_date($text)", {"text": text}).fetchone() == (expected,)


_BLANKS = " \t\n\r\u00a0\u200b\ufeff"


@settings(max_examples=500, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.none()
    | st.text(st.sampled_from(f"{_BLANKS}aZ0!~é中\u0301\u200d👩") | st.characters(codec="utf-8"), max_size=6)
)
def test_blanks_around_a_value_are_no_part_of_it(database: duckdb.DuckDBPyConnection, text: str | None) -> None:
    expected = None if text is None else text.strip(_BLANKS) or None
    assert database.execute("SELECT clean($text)", {"text": text}).fetchone() == (expected,)

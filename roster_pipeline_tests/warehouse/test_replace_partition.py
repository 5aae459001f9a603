"""Partitions are replaced exactly, touch no other one, and are left alone when nothing changed."""

import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from roster_pipeline.home import Home
from roster_pipeline.warehouse.connection import Session, Warehouse

TABLE = "brightspace.relationships"
Rows = list[tuple[str | None, str | None]]

names = st.one_of(st.none(), st.sampled_from(["a", "b", "", "null", "ab"]))
rows = st.lists(st.tuples(names, names), max_size=6)


def _query(content: Rows) -> str:
    values = ", ".join(f"({_literal(first)}, {_literal(second)})" for first, second in content)
    table = f"(VALUES {values or '(NULL, NULL)'}) AS t (student_sourced_id, guardian_sourced_id)"
    return f"SELECT student_sourced_id::VARCHAR AS student_sourced_id, guardian_sourced_id::VARCHAR AS guardian_sourced_id FROM {table} WHERE {bool(content)}"  # noqa: E501


def _literal(text: str | None) -> str:
    return "NULL" if text is None else f"'{text}'"


def _rows(session: Session, school_year: str) -> Counter[tuple[str | None, str | None]]:
    query = f"SELECT student_sourced_id, guardian_sourced_id FROM {TABLE} WHERE school_year = $year"
    return Counter((first, second) for first, second in session.execute(query, {"year": school_year}))


@settings(max_examples=60, deadline=None)
@given(first=rows, second=rows, other=rows)
def test_a_partition_holds_exactly_what_it_was_given_last(first: Rows, second: Rows, other: Rows) -> None:
    with tempfile.TemporaryDirectory() as folder:
        warehouse = Warehouse(Home(Path(folder)))
        with warehouse.transaction("oak", "2025-2026") as session:
            session.replace_partition(TABLE, _query(other))
        with warehouse.transaction("oak", "2026-2027") as session:
            for content in (first, second):
                assert session.replace_partition(TABLE, _query(content)) == len(content)
                assert _rows(session, "2026-2027") == Counter(content)
            assert _rows(session, "2025-2026") == Counter(other)


def test_only_rows_that_differ_are_written(tmp_path: Path) -> None:
    warehouse = Warehouse(Home(tmp_path))
    with warehouse.transaction("oak", "2026-2027") as session:
        session.replace_partition(TABLE, _query([("a", "1"), ("b", "2"), ("c", "3")]))
        before = dict(session.execute(f"SELECT student_sourced_id, rowid FROM {TABLE}"))
        session.replace_partition(TABLE, _query([("a", "1"), ("b", "9"), ("c", "3")]))
        after = dict(session.execute(f"SELECT student_sourced_id, rowid FROM {TABLE}"))
    assert {name for name in before if before[name] != after[name]} == {"b"}


def test_rows_that_share_a_hash_are_told_apart(tmp_path: Path) -> None:
    warehouse = Warehouse(Home(tmp_path))
    first, second = "pupil-50|course_offering:class-19", "pupil-59|course_offering:class-29"
    with warehouse.transaction("oak", "2026-2027") as session:
        assert session.value("SELECT hash($first) = hash($second)", {"first": first, "second": second})
        session.replace_partition(TABLE, _query([("a", "1"), (first, "2"), ("c", "3")]))
        session.replace_partition(TABLE, _query([("a", "1"), (second, "2"), ("c", "3")]))
        assert _rows(session, "2026-2027") == Counter([("a", "1"), (second, "2"), ("c", "3")])


def test_structured_ids_are_told_apart_wherever_they_differ(tmp_path: Path) -> None:
    """Ids of two numbers each, at every place of the blocks of eight bytes that DuckDB hashes by."""
    base = (
        "SELECT 'base-' || i AS student_sourced_id, NULL::VARCHAR AS guardian_sourced_id FROM range(300_000) AS t (i)"
    )
    with Warehouse(Home(tmp_path)).transaction("oak", "2026-2027") as session:
        session.execute(
            """
            CREATE TEMP TABLE ids AS
            SELECT
                repeat('p', shift) || pupil || separator || class AS student_sourced_id,
                NULL::VARCHAR AS guardian_sourced_id,
                (pupil + class) % 2 AS night
            FROM (SELECT unnest(range(100, 260)) AS pupil)
            CROSS JOIN (SELECT unnest(range(100, 260)) AS class)
            CROSS JOIN (SELECT unnest(range(8)) AS shift)
            CROSS JOIN (SELECT unnest(['|course_offering:class-', '|section:']) AS separator)
            """
        )
        assert session.value("SELECT count(DISTINCT hash(student_sourced_id)) < count(*) FROM ids")
        for night in (0, 1):
            query = f"{base} UNION ALL BY NAME SELECT * EXCLUDE (night) FROM ids WHERE night = {night}"
            session.replace_partition(TABLE, query)
            columns = "student_sourced_id, guardian_sourced_id"
            for one, other in ((f"SELECT {columns} FROM {TABLE}", query), (query, f"SELECT {columns} FROM {TABLE}")):
                assert session.value(f"SELECT count(*) FROM (({one}) EXCEPT ALL ({other}))") == 0

"""Reads gradebooks from Brightspace Data Sets: items and scores in bulk, what the sets lack over the API.

The sets tell neither the academic session a teacher chose, nor which categories go to the SIS, nor an item's
description and dates; newer ones do not tell exemptions either. That costs a call an item and a few an offering.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from pathlib import Path

import duckdb

from roster_pipeline.brightspace.client import BrightspaceClient
from roster_pipeline.brightspace.data_set_schemas import GRADE_OBJECTS, GRADE_RESULTS, USERS
from roster_pipeline.brightspace.models import GradeItem
from roster_pipeline.grades.gradebook import UnreadableRow
from roster_pipeline.grades.gradebook_api import Book, Managed, Offering, OfferingReader, write_books
from roster_pipeline.warehouse.connection import sql_text
from roster_pipeline.warehouse.literal import literal

_MEMORY = "512MiB"
#: Data sets' types of items that no SIS gets, so that nothing more is asked about them.
_NEVER_SENT = frozenset({"text", "calculated", "finalcalculated", "finaladjusted"})


@dataclass(frozen=True)
class _Listed:
    """The items of one offering, as the data sets have them."""

    offering: Offering
    offering_id: int
    items: list[tuple[GradeItem, datetime | None]]


def read_data_sets(client: BrightspaceClient, known: Managed, target: Path) -> list[UnreadableRow]:
    """Write the gradebooks of every offering we manage as Parquet files into `target`. Raises BrightspaceError."""
    working = target / "working"
    with duckdb.connect(str(target / "working.duckdb"), config={"memory_limit": _MEMORY}) as database:
        database.execute("SET TimeZone = 'UTC'")
        hub = client.data_hub
        hub.load(GRADE_OBJECTS, database, "grade_objects", working)
        results = hub.load(GRADE_RESULTS, database, "grade_results", working)
        hub.load(USERS, database, "users", working)
        reader = _Reader(client, known, asks_exemptions="IsExempt" in results.missing_columns)
        with ThreadPoolExecutor(client.connection.concurrency, thread_name_prefix="gradebook") as pool:
            write_books(pool.map(reader.read_listed, _listed(database, list(reader.offerings()))), target)
        _scores(database, reader, known, target)
    working.rmdir()
    for path in target.glob("working.duckdb*"):
        path.unlink()
    return []


class _Reader(OfferingReader):
    """Asks over the API what the data sets do not tell."""

    def __init__(self, client: BrightspaceClient, known: Managed, *, asks_exemptions: bool) -> None:
        super().__init__(client, known)
        self._asks_exemptions = asks_exemptions
        self.exempt: list[tuple[int, int]] = []
        """Item and user."""

    def read_listed(self, listed: _Listed) -> Book:
        offering, offering_id, book = listed.offering, listed.offering_id, Book()
        gradebooks = self._client.gradebooks
        sessions = {
            item.id: self.session(offering_id, item.id)
            for item, _ in listed.items
            if item.grade_type.lower() not in _NEVER_SENT
        }
        if any(sessions.values()):
            self.add_categories(book, offering, offering_id, {item.category_id for item, _ in listed.items})
            dates = gradebooks.activity_dates(offering_id)
            descriptions = {item.id: item.description for item in gradebooks.items(offering_id)}
        else:
            dates, descriptions = {}, {}
        for item, last_modified in listed.items:
            described = replace(item, description=descriptions.get(item.id, ""))
            session = sessions.get(item.id)
            self.add_item(book, offering, described, session, dates.get(item.id), last_modified)
            if session:
                book.add("read_whole", kind="item", id=item.id)
                if self._asks_exemptions:
                    self.exempt += [(item.id, user) for user in gradebooks.exempt_user_ids(offering_id, item.id)]
        book.add("read_whole", kind="class", id=offering.class_sourced_id)
        return book


def _listed(database: duckdb.DuckDBPyConnection, offerings: list[tuple[Offering, int]]) -> Iterator[_Listed]:
    """The items that are not deleted, offering by offering; an offering without items too."""
    rows = database.execute(
        "SELECT org_unit_id, grade_object_id, name, type_name, max_points::DOUBLE, parent_grade_object_id, "
        "last_modified FROM grade_objects WHERE grade_object_type_id <> 9 AND NOT coalesce(is_deleted, false) "
        "ORDER BY org_unit_id, grade_object_id"
    ).fetchall()
    items = {
        offering_id: [
            (GradeItem(id_, name, type_ or "", points, category or None, ""), modified)
            for _, id_, name, type_, points, category, modified in group
        ]
        for offering_id, group in groupby(rows, key=lambda row: row[0])
    }
    for offering, offering_id in offerings:
        yield _Listed(offering, offering_id, items.get(offering_id, []))


def _scores(database: duckdb.DuckDBPyConnection, reader: _Reader, known: Managed, target: Path) -> None:
    database.execute("CREATE TABLE students (org_defined_id VARCHAR, sourced_id VARCHAR)")
    database.execute(
        "INSERT INTO students SELECT unnest($codes::VARCHAR[]), unnest($ids::VARCHAR[])",
        {"codes": list(known.students), "ids": list(known.students.values())},
    )
    database.execute("CREATE TABLE exempt (grade_object_id BIGINT, user_id BIGINT)")
    database.execute(
        "INSERT INTO exempt SELECT unnest($items::BIGINT[]), unnest($users::BIGINT[])",
        {"items": [item for item, _ in reader.exempt], "users": [user for _, user in reader.exempt]},
    )
    whole = literal(target / "read_whole.parquet")
    database.execute(f"CREATE VIEW read_whole AS FROM read_parquet({whole})")
    scores = literal(target / "scores.parquet")
    database.execute(f"COPY ({sql_text('grades/data_set_scores')}) TO {scores} (FORMAT parquet, COMPRESSION zstd)")

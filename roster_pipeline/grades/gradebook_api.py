"""Reads gradebooks over Brightspace's API: of the offerings we manage, side by side, within the tenant's rate.

Only what a teacher marked for the SIS is read to the end: an item without an academic session costs two calls.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Lock

import pyarrow as pa
import pyarrow.parquet as pq

from roster_pipeline.brightspace.client import BrightspaceClient
from roster_pipeline.brightspace.models import ActivityDates, GradeItem
from roster_pipeline.grades.gradebook import COLUMNS, READ_WHOLE, UnreadableRow
from roster_pipeline.warehouse.connection import Session, sql_text

Row = dict[str, str | None]

_OFFERING = "Course Offering"


@dataclass(frozen=True)
class Offering:
    """A course offering that we manage, with the class behind it."""

    class_sourced_id: str
    code: str
    brightspace_id: int | None
    """None where the route of delivery does not tell it; the offering is found by its code then."""


@dataclass(frozen=True)
class Managed:
    """What the integration manages, as the warehouse has it."""

    offerings: list[Offering]
    students: dict[str, str]
    """sourcedId by org-defined id."""
    sessions: dict[str, str]
    """sourcedId of an academic session by the code of its org unit."""
    sis_categories: dict[tuple[str | None, str], str]
    """sourcedId of a SIS category by class (None: the district) and title in small letters."""
    linked_categories: dict[int, str]
    """sourcedId of the SIS category that a category in Brightspace was made for."""


def managed(session: Session) -> Managed:
    """What the integration manages of the session's source and school year."""
    units = session.execute(sql_text("grades/managed_units"))
    return Managed(
        [Offering(id_, code, number) for kind, id_, code, number in units if kind == "course_offering"],
        dict(session.execute(sql_text("grades/managed_students"))),
        {code: id_ for kind, id_, code, _ in units if kind != "course_offering"},
        {
            (class_id, title): id_
            for class_id, title, id_ in session.execute(
                "SELECT class_sourced_id, lower(trim(title)), sis_category_id FROM grades.sis_categories "
                "WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year') "
                "AND sis_category_id IS NOT NULL ORDER BY sis_category_id DESC"
            )
        },
        dict(
            session.execute(
                "SELECT brightspace_id, sis_category_id FROM grades.category_links "
                "WHERE source_id = getvariable('source_id') AND brightspace_id IS NOT NULL"
            )
        ),
    )


def read_api(client: BrightspaceClient, known: Managed, target: Path) -> list[UnreadableRow]:
    """Write the gradebooks of every offering we manage as Parquet files into `target`. Raises BrightspaceError."""
    reader = OfferingReader(client, known)
    with ThreadPoolExecutor(client.connection.concurrency, thread_name_prefix="gradebook") as pool:
        write_books(pool.map(reader.read, reader.offerings()), target)
    return []


def write_books(books: Iterable["Book"], target: Path) -> None:
    """Write the rows of offerings as they come."""
    schemas = {file: _schema(columns) for file, columns in (*COLUMNS.items(), READ_WHOLE)}
    with ExitStack() as stack:
        files = {
            file: stack.enter_context(pq.ParquetWriter(target / f"{file}.parquet", schema, compression="zstd"))
            for file, schema in schemas.items()
        }
        for book in books:
            for file, rows in book.rows.items():
                if rows:
                    files[file].write_table(pa.Table.from_pylist(rows, schema=schemas[file]))


@dataclass
class Book:
    """The rows of one offering."""

    rows: dict[str, list[Row]] = field(default_factory=lambda: {file: [] for file in (*COLUMNS, READ_WHOLE[0])})

    def add(self, file: str, **values: object) -> None:
        self.rows[file].append({name: None if value is None else _text(value) for name, value in values.items()})


class OfferingReader:
    """Reads one offering after the other, or side by side; the tenant's rate is the client's."""

    def __init__(self, client: BrightspaceClient, known: Managed) -> None:
        self._client = client
        self._known = known
        self._sessions: dict[int, str | None] = {}
        self._lock = Lock()

    def offerings(self) -> Iterator[tuple[Offering, int]]:
        """The offerings with their ids in Brightspace; one that is not there is left out."""
        by_code: dict[str, int] = {}
        if any(offering.brightspace_id is None for offering in self._known.offerings):
            type_ = self._client.organization.type_named(_OFFERING)
            by_code = {unit.code: unit.id for unit in self._client.organization.all(type_.id) if unit.code}
        for offering in self._known.offerings:
            id_ = offering.brightspace_id or by_code.get(offering.code)
            if id_ is not None:
                yield offering, id_

    def read(self, of: tuple[Offering, int]) -> Book:
        offering, offering_id = of
        gradebooks, book = self._client.gradebooks, Book()
        items = gradebooks.items(offering_id)
        if items:
            self.add_categories(book, offering, offering_id, {item.category_id for item in items})
        sessions = {item.id: self.session(offering_id, item.id) for item in items}
        dates = gradebooks.activity_dates(offering_id) if any(sessions.values()) else {}
        for item in items:
            self.add_item(book, offering, item, sessions[item.id], dates.get(item.id))
            if sessions[item.id]:
                self._scores(book, offering_id, item)
        book.add("read_whole", kind="class", id=offering.class_sourced_id)
        return book

    def add_categories(self, book: Book, offering: Offering, offering_id: int, used: Iterable[int | None]) -> None:
        wanted = set(used)
        for category in self._client.gradebooks.categories(offering_id):
            if category.id not in wanted:
                continue
            title = category.name.strip().lower()
            listed = self._known.sis_categories
            class_id = offering.class_sourced_id
            book.add(
                "categories",
                category_id=category.id,
                class_sourced_id=class_id,
                name=category.name,
                sis_enabled=bool(self._client.gradebooks.category_settings(offering_id, category.id).export_to_sis),
                # Brightspace keeps no id of the SIS. What we did not make is the one of that name in the SIS's list.
                sis_category_id=(
                    self._known.linked_categories.get(category.id)
                    or listed.get((class_id, title))
                    or listed.get((None, title))
                ),
            )

    def session(self, offering_id: int, item_id: int) -> str | None:
        """sourcedId of the academic session that a teacher chose; None for none, or for one that is not ours."""
        unit_id = self._client.gradebooks.item_settings(offering_id, item_id).session_org_unit_id
        if unit_id is None:
            return None
        with self._lock:
            if unit_id not in self._sessions:
                unit = self._client.organization.get(unit_id)
                self._sessions[unit_id] = self._known.sessions.get(unit.code or "") if unit else None
            return self._sessions[unit_id]

    def add_item(
        self,
        book: Book,
        offering: Offering,
        item: GradeItem,
        session: str | None,
        dates: ActivityDates | None,
        last_modified: datetime | None = None,
    ) -> None:
        book.add(
            "grade_items",
            item_id=item.id,
            class_sourced_id=offering.class_sourced_id,
            name=item.name,
            description=item.description,
            type=item.grade_type,
            max_points=item.max_points,
            category_id=item.category_id,
            academic_session_id=session,
            activity_due_date=dates.due.isoformat() if dates and dates.due else None,
            activity_end_date=dates.end.isoformat() if dates and dates.end else None,
            last_modified=last_modified.isoformat() if last_modified else None,
        )

    def _scores(self, book: Book, offering_id: int, item: GradeItem) -> None:
        exempt = self._client.gradebooks.exempt_user_ids(offering_id, item.id)
        for score in self._client.gradebooks.scores(offering_id, item.id):
            student = self._known.students.get(score.org_defined_id or "")
            if student is None:
                continue
            book.add(
                "scores",
                item_id=item.id,
                student_sourced_id=student,
                points=score.points,
                comment=score.comment or None,
                is_exempt=score.user_id in exempt,
                last_modified=score.last_modified.isoformat() if score.last_modified else None,
            )
            exempt.discard(score.user_id)
        for user_id in sorted(exempt):
            user = self._client.people.user(user_id)
            student = self._known.students.get((user.org_defined_id if user else None) or "")
            if student is not None:
                book.add("scores", item_id=item.id, student_sourced_id=student, is_exempt=True)
        book.add("read_whole", kind="item", id=item.id)


def _schema(columns: Iterable[str]) -> pa.Schema:
    return pa.schema([(name, pa.string()) for name in columns])


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)

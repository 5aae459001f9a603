"""Route `api`: the delta applied to the tenant call by call; each confirmed item is managed from that moment on.

`sync.deliveries` notes a delivery as open before its first call, and its journal notes every change before it is sent
and when it is answered. A later run settles a delivery that is still open before it works out a new delta: it confirms
what was answered and repeats what was not, with the delta that is still stored. Whatever the SIS says by then, nobody
keeps an object or an enrollment of which the pipeline does not know. Whoever calls holds the lock of the source, and no
connection to DuckDB is open while the tenant is asked.

A delivery that was interrupted or in which something failed is noted as unsure when it ends, and the one after it
looks before it creates.
"""

import shutil
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import fields
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, LiteralString
from zoneinfo import ZoneInfo

import duckdb
import orjson
import pyarrow as pa

from roster_pipeline.brightspace.api_delivery import ApiDelivery
from roster_pipeline.brightspace.changes import (
    Change,
    Confirmed,
    ContentCopy,
    EnrollmentChange,
    OrgUnitChange,
    OrgUnitFields,
    ParentRef,
    Phase,
    RelationshipChange,
    UserChange,
    UserFields,
)
from roster_pipeline.brightspace.client import BrightspaceClient
from roster_pipeline.brightspace.errors import BrightspaceError
from roster_pipeline.delivery.bundle_route import Delivered, DeliveryError
from roster_pipeline.delivery.journal import Journal, Key
from roster_pipeline.home import Home, private_folder
from roster_pipeline.issues import prepare_findings, record_findings
from roster_pipeline.settings import Source
from roster_pipeline.settings.brightspace import Brightspace
from roster_pipeline.warehouse.connection import Session, Warehouse, sql_text
from roster_pipeline.warehouse.delta import delta_counts, delta_fingerprint
from roster_pipeline.warehouse.settings_tables import apply_settings

#: Rows of a phase in memory at a time.
_FETCH = 2000
#: SQL of each entity's changes.
_QUERIES: dict[str, LiteralString] = {
    "upper_org_unit": "org_units",
    "template": "org_units",
    "offering": "org_units",
    "section": "org_units",
    "user": "users",
    "enrollment": "enrollments",
    "section_enrollment": "enrollments",
    "relationship": "relationships",
    "content_copy": "content_copies",
}

#: What names a row of the delta in an answer, as SQL: kind and sourced id by table.
_IDENTITY = {
    "org_units": ("change.kind", "change.sourced_id"),
    "users": ("'user'", "change.sourced_id"),
    "relationships": ("'relationship'", "pair_key(student_sourced_id, guardian_sourced_id)"),
    "enrollments": ("'enrollment'", "pair_key(user_sourced_id, org_unit_key)"),
}


def deliver_over_api(
    warehouse: Warehouse, home: Home, source_id: str, school_year: str, settings: Source, run_id: str
) -> Delivered:
    """Deliver the delta of a source and school year over Brightspace's API.

    What Brightspace does not take stays due and gets an issue. Raises DeliveryError when going on was pointless; what
    was done until then is confirmed.
    """
    if settings.brightspace is None:
        raise DeliveryError("delivery.route: api needs the section brightspace with url and auth")
    journal = Journal(home.deliveries(source_id) / run_id)
    book = _Book(warehouse, source_id, school_year, settings, run_id, journal)
    if not book.open(settings.brightspace.url):
        journal.remove()
        return Delivered("api", None, {}, 0, book.counts)
    _apply(book, settings.brightspace, home, look_up_first=book.was_interrupted)
    book.close(is_sure=not book.failed)
    return Delivered("api", settings.brightspace.url, book.delivered, book.failed, book.counts)


def settle_api(warehouse: Warehouse, home: Home, source_id: str, settings: Source) -> list[str]:
    """Bring interrupted deliveries of a source to their end, whatever their school year; a sentence for each.

    Raises DeliveryError when Brightspace cannot be asked.
    """
    with warehouse.transaction(source_id, "", stays_open=True) as session:
        unfinished = session.execute(
            "SELECT school_year, run_id, place FROM sync.deliveries "
            "WHERE source_id = getvariable('source_id') AND state = 'open' ORDER BY prepared_at"
        )
    told = []
    for school_year, run_id, place in unfinished:
        journal = Journal(home.deliveries(source_id) / run_id)
        answers, unanswered = journal.read()
        book = _Book(warehouse, source_id, school_year, settings, run_id, journal)
        if unanswered:
            if settings.brightspace is None or settings.brightspace.url != place:
                raise DeliveryError(
                    f"A delivery to {place} was cut off, and brightspace.url is no longer that. Put it back for one "
                    f"run, which will repeat the {len(unanswered):,} changes whose answer got lost."
                )
            book.resume(answers, unanswered)
            _apply(book, settings.brightspace, home, look_up_first=True)
        else:
            book.resume(answers, unanswered)
        book.close(is_sure=False)
        told.append(
            f"the delivery of run {run_id} was cut off; {len(answers):,} answers that had come and "
            f"{len(unanswered):,} changes whose answer was lost are settled now"
        )
    # Of deliveries that came to their end and had no time to tidy up.
    shutil.rmtree(home.deliveries(source_id), ignore_errors=True)
    return told


def _apply(book: "_Book", brightspace: Brightspace, home: Home, *, look_up_first: bool) -> None:
    """Apply the changes of the book. Raises DeliveryError."""
    token_file = private_folder(home.root / "tokens") / f"{book.source_id}.json"
    timezone = ZoneInfo(book.settings.timezone)
    try:
        with BrightspaceClient.connect(brightspace, token_file, threading.Event()) as client:
            ApiDelivery(client, book, book.confirm, timezone, look_up_first=look_up_first).run()
    except BrightspaceError as error:
        raise DeliveryError(f"{error} What was delivered until then is confirmed; the rest stays due.") from error


def _demand_ids(session: Session) -> None:
    """Raises DeliveryError where objects are managed whose ids in Brightspace nobody was told."""
    unknown = session.value(
        "SELECT count(*) FROM sync.mappings WHERE source_id = getvariable('source_id') "
        "AND kind NOT IN ('relationship', 'enrollment') AND brightspace_id IS NULL"
    )
    if unknown:
        raise DeliveryError(
            f"{unknown:,} objects were delivered in bundles, which do not tell their ids in Brightspace, and "
            "delivery.route: api needs them. Put delivery.route back to the one before; nothing was sent."
        )


class _Book:
    """The delta as the delivery asks for it, and what is confirmed of it."""

    def __init__(
        self,
        warehouse: Warehouse,
        source_id: str,
        school_year: str,
        settings: Source,
        run_id: str,
        journal: Journal,
    ) -> None:
        self.settings = settings
        self.source_id = source_id
        self._warehouse = warehouse
        self._school_year = school_year
        self._run_id = run_id
        self._journal = journal
        self.counts: dict[str, dict[str, int]] = {}
        self.delivered: dict[str, int] = {}
        self.failed = 0
        self.was_interrupted = False
        self._only: set[Key] | None = None
        """The changes that are asked for; None for all."""
        self._depths = 0
        self._phases: set[tuple[str, bool, int]] = set()

    def open(self, place: str) -> bool:
        """Note the delivery as open; False where there is nothing to do. Raises DeliveryError."""
        with self._warehouse.transaction(self.source_id, self._school_year) as session:
            self._prepare(session)
            self.counts = delta_counts(session)
            copies = session.value(f"SELECT count(*) FROM ({sql_text('delivery/api/content_copies')})")
            if not any(self.counts.values()) and not copies:
                return False
            _demand_ids(session)
            self.was_interrupted = bool(
                session.value(
                    "SELECT count(*) FROM sync.deliveries WHERE source_id = getvariable('source_id') "
                    "AND state IN ('open', 'unsure')"
                )
            )
            session.execute(
                "INSERT INTO sync.deliveries (source_id, school_year, run_id, route, place, fingerprint, state, "
                "prepared_at) VALUES (getvariable('source_id'), getvariable('school_year'), $run_id, 'api', $place, "
                "$fingerprint, 'open', $now)",
                {"run_id": self._run_id, "place": place, "fingerprint": delta_fingerprint(session), "now": _now()},
            )
            self._plan(session)
            self._answer(session, [])
            session.run_file("delivery/api/unmapped")
            self._record(session)
        return True

    def resume(self, answers: Sequence[Confirmed], unanswered: set[Key]) -> None:
        """Confirm what was answered before the delivery was cut off, and ask for nothing but what was not."""
        with self._warehouse.transaction(self.source_id, self._school_year) as session:
            self._prepare(session)
            self._answer(session, answers)
            session.run_file("delivery/api/recorded")
            self._record(session)
            self._only = unanswered - self._known(session, unanswered)
            self._plan(session)

    def close(self, *, is_sure: bool) -> None:
        """Note the delivery as come to an end; a sure one makes up for those before it."""
        with self._warehouse.transaction(self.source_id, self._school_year) as session:
            session.execute(
                "UPDATE sync.deliveries SET state = $state, confirmed_at = $now "
                "WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year') "
                "AND (run_id = $run_id OR (state = 'unsure' AND $state = 'confirmed'))",
                {"state": "confirmed" if is_sure else "unsure", "now": _now(), "run_id": self._run_id},
            )
        self._journal.remove()

    @property
    def depths(self) -> int:
        return self._depths

    def rows(self, phase: Phase) -> Iterable[Change]:
        """The changes of a phase, from a file, so that no lock is held while they are applied."""
        # Copies become due in the course of a delivery; everything else is known from its start.
        if phase.entity == "content_copy":
            if self._only is not None:
                return
        elif (phase.entity, phase.is_removal, phase.depth) not in self._phases:
            return
        path = self._journal.folder / "changes.parquet"
        with self._warehouse.transaction(self.source_id, self._school_year) as session:
            self._prepare(session)
            self._place(session)
            query = sql_text(f"delivery/api/{_QUERIES[phase.entity]}")
            session.execute(f"COPY (SELECT * FROM ({query}) WHERE {_condition(phase)}) TO '{path}'")
        changes = (self._change(phase, row) for row in _read(path))
        yield from (
            change for change in changes if self._only is None or (change.kind, change.sourced_id) in self._only
        )
        path.unlink()

    def begin(self, changes: Sequence[Change]) -> None:
        self._journal.begin((change.kind, change.sourced_id) for change in changes)

    def end(self, answers: Sequence[Confirmed]) -> None:
        self._journal.end(answers)

    def managed_org_unit_ids(self) -> Collection[int]:
        return self._ids("kind NOT IN ('user', 'relationship', 'enrollment')")

    def managed_user_ids(self) -> Collection[int]:
        return self._ids("kind = 'user'")

    def known_enrollments(self) -> Iterable[tuple[int, int]]:
        with self._warehouse.transaction(self.source_id, self._school_year) as session:
            self._prepare(session)
            return [(user, unit) for user, unit in session.execute(sql_text("delivery/api/known_enrollments"))]

    def confirm(self, answers: list[Confirmed]) -> None:
        """One transaction: mappings advance, the audit log says what became of each, what failed gets an issue."""
        with self._warehouse.transaction(self.source_id, self._school_year) as session:
            self._prepare(session)
            self._answer(session, answers)
            self._record(session)
        if all(each.outcome != "started" for each in answers):
            self._journal.confirmed()
        for each in answers:
            if each.outcome == "delivered":
                self.delivered[each.kind] = self.delivered.get(each.kind, 0) + 1
            elif each.outcome == "failed":
                self.failed += 1

    def _prepare(self, session: Session) -> None:
        apply_settings(session, self.settings)
        session.set_variables(run_id=self._run_id, confirmed_at=_now(), route="api")
        # Brightspace itself refuses what it does not take, row by row.
        session.execute("CREATE OR REPLACE TEMP TABLE refused (kind VARCHAR, sourced_id VARCHAR)")
        session.run_file("delivery/due")

    def _place(self, session: Session) -> None:
        for table in ("unit_codes", "unit_depths"):
            session.create_temporary(table, f"delivery/{table}")

    def _plan(self, session: Session) -> None:
        """Find out which phases have changes."""
        self._place(session)
        self._depths = session.value("SELECT coalesce(max(depth), 1) FROM unit_depths")
        self._phases = {
            (entity, is_removal, depth)
            for entity, is_removal, depth in session.execute(
                f"""
                SELECT DISTINCT entity, is_removal, CASE WHEN entity = 'upper_org_unit' THEN depth ELSE 0 END
                FROM ({sql_text("delivery/api/org_units")})
                UNION
                SELECT DISTINCT 'user', is_removal, 0 FROM ({sql_text("delivery/api/users")})
                UNION
                SELECT DISTINCT CASE WHEN in_section THEN 'section_enrollment' ELSE 'enrollment' END, is_removal, 0
                FROM ({sql_text("delivery/api/enrollments")})
                UNION
                SELECT DISTINCT 'relationship', is_removal, 0 FROM ({sql_text("delivery/api/relationships")})
                """
            )
        }

    def _answer(self, session: Session, answers: Sequence[Confirmed]) -> None:
        """Make the temporary table `answered`."""
        names = [field.name for field in fields(Confirmed)]
        columns = {name: [getattr(each, name) for each in answers] for name in names}
        types = [pa.int64() if name == "brightspace_id" else pa.string() for name in names]
        session.connection.register("arrived", pa.table(columns, pa.schema(list(zip(names, types, strict=True)))))
        session.execute("CREATE OR REPLACE TEMP TABLE answered AS FROM arrived")
        session.connection.unregister("arrived")

    def _known(self, session: Session, unanswered: Collection[Key]) -> set[Key]:
        """Those of the unanswered changes that are confirmed all the same."""
        kinds, sourced_ids = zip(*unanswered, strict=True) if unanswered else ((), ())
        session.execute(
            "CREATE OR REPLACE TEMP TABLE unanswered AS "
            "SELECT unnest($kinds::VARCHAR[]) AS kind, unnest($sourced_ids::VARCHAR[]) AS sourced_id",
            {"kinds": list(kinds), "sourced_ids": list(sourced_ids)},
        )
        return {(kind, sourced_id) for kind, sourced_id in session.execute(sql_text("delivery/api/known"))}

    def _record(self, session: Session) -> None:
        for table, (kind, sourced_id) in _IDENTITY.items():
            query = sql_text("delivery/api/due")
            session.connection.execute(query.format(table=table, kind=kind, sourced_id=sourced_id))
        session.run_file("delivery/confirm")
        prepare_findings(session)
        session.run_file("delivery/api/failed")
        record_findings(session, self._run_id)

    def _ids(self, condition: str) -> set[int]:
        with self._warehouse.transaction(self.source_id, self._school_year) as session:
            return {
                id_
                for (id_,) in session.execute(
                    "SELECT brightspace_id FROM sync.mappings WHERE source_id = getvariable('source_id') "
                    f"AND brightspace_id IS NOT NULL AND {condition}"
                )
            }

    def _change(self, phase: Phase, row: dict[str, Any]) -> Change:
        if phase.entity == "user":
            people = self.settings.people
            return UserChange(
                row["sourced_id"],
                row["action"],
                row["brightspace_id"],
                _user(row["before"]),
                _user(row["after"]),
                people.identify_by if people.link_existing else None,
            )
        if phase.entity in {"enrollment", "section_enrollment"}:
            return EnrollmentChange(
                row["sourced_id"], row["action"], row["user_id"], row["org_unit_id"], row["role"], row["offering_id"]
            )
        if phase.entity == "relationship":
            return RelationshipChange(row["sourced_id"], row["action"], row["student_id"], row["guardian_id"])
        if phase.entity == "content_copy":
            return ContentCopy(
                row["sourced_id"],
                row["offering_id"],
                row["offering_code"],
                self.settings.courses.content_copy.source,
                row["template_id"],
                row["template_code"],
                row["was_started"],
            )
        return OrgUnitChange(
            row["kind"],
            row["sourced_id"],
            row["action"],
            row["brightspace_id"],
            self._unit(row["before"], row["before_parents"]),
            self._unit(row["after"], row["after_parents"]),
            self._links(row["kind"], row["after"]),
            row["code_is_shared"],
        )

    def _unit(self, content: str | None, parents: list[dict[str, Any]] | None) -> OrgUnitFields | None:
        if content is None:
            return None
        unit = orjson.loads(content)
        return OrgUnitFields(
            unit["org_unit_type"],
            unit["delivery_code"] if self.settings.delivery.unique_codes else unit["code"],
            unit["name"],
            tuple(ParentRef(each["key"], each["type_name"], each["brightspace_id"]) for each in parents or ()),
            _date(unit.get("start_date")),
            _date(unit.get("end_date")),
            unit.get("is_active", True),
        )

    def _links(self, kind: str, content: str | None) -> bool:
        """Whether a unit of that kind that is there already is taken over."""
        courses, upper = self.settings.courses.link_existing, self.settings.org_units.link_existing
        if kind in {"section", "course_offering", "course_template"}:
            return {"section": courses.sections, "course_offering": courses.offerings}.get(kind, courses.templates)
        if kind in {"school_year", "semester", "term", "grading_period"}:
            return upper.semesters
        type_name = orjson.loads(content)["org_unit_type"] if content else ""
        return upper.departments if "department" in {kind, type_name.lower()} else upper.others


def _condition(phase: Phase) -> str:
    if phase.entity == "content_copy":
        return "true"
    conditions = ["is_removal" if phase.is_removal else "NOT is_removal"]
    if _QUERIES[phase.entity] == "org_units":
        conditions.append(f"entity = '{phase.entity}'")
    if phase.entity == "upper_org_unit":
        conditions.append(f"depth = {phase.depth}")
    if phase.entity in {"enrollment", "section_enrollment"}:
        conditions.append("in_section" if phase.entity == "section_enrollment" else "NOT in_section")
    return " AND ".join(conditions)


def _read(path: Path) -> Iterator[dict[str, Any]]:
    with duckdb.connect() as database:
        cursor = database.execute("FROM read_parquet($path)", {"path": str(path)})
        names = [column[0] for column in cursor.description or []]
        while batch := cursor.fetchmany(_FETCH):
            yield from (dict(zip(names, row, strict=True)) for row in batch)


def _user(content: str | None) -> UserFields | None:
    if content is None:
        return None
    person = orjson.loads(content)
    return UserFields(
        person["username"],
        person["org_defined_id"],
        person["first_name"],
        person["last_name"],
        person.get("email"),
        person["role"],
        person["is_active"],
    )


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)

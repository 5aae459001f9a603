"""Route `api`: the delta applied to the tenant call by call; each confirmed item is managed from that moment on.

`sync.deliveries` notes a delivery as open before its first call and as confirmed after its last. The next run finds
one that is still open and knows that something may have been done that was never confirmed: it looks before it
creates. No connection to DuckDB is open while the tenant is asked.
"""

import tempfile
import threading
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, LiteralString
from zoneinfo import ZoneInfo

import duckdb
import orjson

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
from roster_pipeline.home import Home, private_folder
from roster_pipeline.issues import prepare_findings, record_findings
from roster_pipeline.settings import Source
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


def deliver_over_api(
    warehouse: Warehouse, home: Home, source_id: str, school_year: str, settings: Source, run_id: str
) -> Delivered:
    """Deliver the delta of a source and school year over Brightspace's API.

    What Brightspace does not take stays due and gets an issue. Raises DeliveryError when going on was pointless; what
    was done until then is confirmed.
    """
    if settings.brightspace is None:
        raise DeliveryError("delivery.route: api needs the section brightspace with url and auth")
    book = _Book(warehouse, home, source_id, school_year, settings, run_id)
    if not book.open():
        return Delivered("api", None, {}, 0, book.counts)
    token_file = private_folder(home.root / "tokens") / f"{source_id}.json"
    try:
        with BrightspaceClient.connect(settings.brightspace, token_file, threading.Event()) as client:
            ApiDelivery(
                client, book, book.confirm, ZoneInfo(settings.timezone), look_up_first=book.was_interrupted
            ).run()
    except BrightspaceError as error:
        raise DeliveryError(f"{error} What was delivered until then is confirmed; the rest stays due.") from error
    book.close()
    return Delivered("api", settings.brightspace.url, book.delivered, book.failed, book.counts)


class _Book:
    """The delta as the delivery asks for it, and what is confirmed of it."""

    def __init__(
        self, warehouse: Warehouse, home: Home, source_id: str, school_year: str, settings: Source, run_id: str
    ) -> None:
        self._warehouse = warehouse
        self._spool = home.warehouse / "tmp"
        self._source_id = source_id
        self._school_year = school_year
        self._settings = settings
        self._run_id = run_id
        self.counts: dict[str, dict[str, int]] = {}
        self.delivered: dict[str, int] = {}
        self.failed = 0
        self.was_interrupted = False
        self._depths = 0
        self._phases: set[tuple[str, bool, int]] = set()

    def open(self) -> bool:
        """Note the delivery as open; False where there is nothing to do."""
        with self._warehouse.transaction(self._source_id, self._school_year) as session:
            self._prepare(session)
            self.counts = delta_counts(session)
            copies = session.value(f"SELECT count(*) FROM ({sql_text('delivery/api/content_copies')})")
            if not any(self.counts.values()) and not copies:
                return False
            self.was_interrupted = bool(
                session.value(
                    "SELECT count(*) FROM sync.deliveries WHERE source_id = getvariable('source_id') AND state = 'open'"
                )
            )
            self._depths = session.value("SELECT coalesce(max(depth), 1) FROM unit_depths")
            session.execute(
                "INSERT INTO sync.deliveries (source_id, school_year, run_id, route, place, fingerprint, state, "
                "prepared_at) VALUES (getvariable('source_id'), getvariable('school_year'), $run_id, 'api', $place, "
                "$fingerprint, 'open', $now)",
                {
                    "run_id": self._run_id,
                    "place": self._settings.brightspace.url if self._settings.brightspace else None,
                    "fingerprint": delta_fingerprint(session),
                    "now": _now(),
                },
            )
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
            session.execute(_ANSWERED)
            session.run_file("delivery/api/unmapped")
            self._record(session)
        return True

    def close(self) -> None:
        """Note this delivery, and what interrupted ones before it left open, as come to an end."""
        with self._warehouse.transaction(self._source_id, self._school_year) as session:
            session.execute(
                "UPDATE sync.deliveries SET state = 'confirmed', confirmed_at = $now "
                "WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year') "
                "AND state = 'open'",
                {"now": _now()},
            )

    @property
    def depths(self) -> int:
        return self._depths

    def rows(self, phase: Phase) -> Iterable[Change]:
        """The changes of a phase, from a file, so that no lock is held while they are applied."""
        # Copies become due in the course of a delivery; everything else is known from its start.
        if phase.entity != "content_copy" and (phase.entity, phase.is_removal, phase.depth) not in self._phases:
            return
        with tempfile.TemporaryDirectory(dir=private_folder(self._spool), prefix="api-") as folder:
            path = Path(folder) / "changes.parquet"
            with self._warehouse.transaction(self._source_id, self._school_year) as session:
                self._prepare(session)
                query = sql_text(f"delivery/api/{_QUERIES[phase.entity]}")
                session.execute(f"COPY (SELECT * FROM ({query}) WHERE {_condition(phase)}) TO '{path}'")
            yield from (self._change(phase, row) for row in _read(path))

    def managed_org_unit_ids(self) -> Collection[int]:
        return self._ids("kind NOT IN ('user', 'relationship', 'enrollment')")

    def managed_user_ids(self) -> Collection[int]:
        return self._ids("kind = 'user'")

    def known_enrollments(self) -> Iterable[tuple[int, int]]:
        with self._warehouse.transaction(self._source_id, self._school_year) as session:
            self._prepare(session)
            return [(user, unit) for user, unit in session.execute(sql_text("delivery/api/known_enrollments"))]

    def confirm(self, answers: list[Confirmed]) -> None:
        """One transaction: mappings advance, the audit log says what became of each, what failed gets an issue."""
        with self._warehouse.transaction(self._source_id, self._school_year) as session:
            self._prepare(session)
            session.execute(_ANSWERED)
            session.connection.executemany(
                "INSERT INTO answered VALUES (?, ?, ?, ?, ?)",
                [(each.kind, each.sourced_id, each.brightspace_id, each.outcome, each.error) for each in answers],
            )
            self._record(session)
        for each in answers:
            if each.outcome == "delivered":
                self.delivered[each.kind] = self.delivered.get(each.kind, 0) + 1
            elif each.outcome == "failed":
                self.failed += 1

    def _prepare(self, session: Session) -> None:
        apply_settings(session, self._settings)
        session.set_variables(run_id=self._run_id, confirmed_at=_now(), route="api")
        # Brightspace itself refuses what it does not take, row by row.
        session.execute("CREATE OR REPLACE TEMP TABLE refused (kind VARCHAR, sourced_id VARCHAR)")
        session.run_file("delivery/due")
        for table in ("unit_codes", "unit_depths"):
            session.create_temporary(table, f"delivery/{table}")

    def _record(self, session: Session) -> None:
        session.run_file("delivery/api/due")
        session.run_file("delivery/confirm")
        prepare_findings(session)
        session.run_file("delivery/api/failed")
        record_findings(session, self._run_id)

    def _ids(self, condition: str) -> set[int]:
        with self._warehouse.transaction(self._source_id, self._school_year) as session:
            return {
                id_
                for (id_,) in session.execute(
                    "SELECT brightspace_id FROM sync.mappings WHERE source_id = getvariable('source_id') "
                    f"AND brightspace_id IS NOT NULL AND {condition}"
                )
            }

    def _change(self, phase: Phase, row: dict[str, Any]) -> Change:
        if phase.entity == "user":
            people = self._settings.people
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
                self._settings.courses.content_copy.source,
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
        fields = orjson.loads(content)
        return OrgUnitFields(
            fields["org_unit_type"],
            fields["delivery_code"] if self._settings.delivery.unique_codes else fields["code"],
            fields["name"],
            tuple(ParentRef(each["key"], each["type_name"], each["brightspace_id"]) for each in parents or ()),
            _date(fields.get("start_date")),
            _date(fields.get("end_date")),
            fields.get("is_active", True),
        )

    def _links(self, kind: str, content: str | None) -> bool:
        """Whether a unit of that kind that is there already is taken over."""
        courses, upper = self._settings.courses.link_existing, self._settings.org_units.link_existing
        if kind in {"section", "course_offering", "course_template"}:
            return {"section": courses.sections, "course_offering": courses.offerings}.get(kind, courses.templates)
        if kind in {"school_year", "semester", "term", "grading_period"}:
            return upper.semesters
        type_name = orjson.loads(content)["org_unit_type"] if content else ""
        return upper.departments if "department" in {kind, type_name.lower()} else upper.others


_ANSWERED = (
    "CREATE OR REPLACE TEMP TABLE answered "
    "(kind VARCHAR, sourced_id VARCHAR, brightspace_id BIGINT, outcome VARCHAR, error VARCHAR)"
)


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
    fields = orjson.loads(content)
    return UserFields(
        fields["username"],
        fields["org_defined_id"],
        fields["first_name"],
        fields["last_name"],
        fields.get("email"),
        fields["role"],
        fields["is_active"],
    )


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)

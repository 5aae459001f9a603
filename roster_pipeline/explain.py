"""The life of one record, from what the SIS sent to what was delivered, and the audit log of a course by its name.

What comes out holds a person's own row: it is for the terminal of whoever asks, never for a log.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString

import duckdb
import orjson

from roster_pipeline.home import Home
from roster_pipeline.oneroster.resources import ROSTER_RESOURCES, Resource
from roster_pipeline.oneroster.snapshot import Snapshot, snapshots
from roster_pipeline.settings import Source
from roster_pipeline.warehouse.connection import Session, Warehouse, sql_text
from roster_pipeline.warehouse.settings_tables import apply_settings

#: OneRoster's kinds, as a person asks for them: `academicSession`, `class`, …
KINDS = tuple(resource.singular for resource in ROSTER_RESOURCES)
#: How many rows of a history are told, newest first.
ROWS_SHOWN = 50

Row = dict[str, Any]

#: In the order of the data's way; each a query in `sql/explain/`.
_PARTS: tuple[tuple[str, LiteralString], ...] = (
    ("issues", "explain/issues"),
    ("org_units", "explain/org_units"),
    ("users", "explain/users"),
    ("relationships", "explain/relationships"),
    ("enrollments", "explain/enrollments"),
    ("delta", "explain/delta"),
    ("mappings", "explain/mappings"),
    ("audit_log", "explain/audit_log"),
    ("export_lines", "explain/export_lines"),
)


@dataclass(frozen=True)
class Life:
    """What is known of one record."""

    source_id: str
    school_year: str
    kind: str
    sourced_id: str
    parts: dict[str, list[Row]]
    """Rows by part, in the order of the data's way: raw, roster, rejects, issues, org_units, users, relationships,
    enrollments, delta, mappings, audit_log, export_lines."""

    @property
    def is_known(self) -> bool:
        return any(self.parts.values())


def explain(home: Home, settings: Source, source_id: str, school_year: str, kind: str, sourced_id: str) -> Life:
    """Everything about the record of OneRoster kind `kind`; histories go back `ROWS_SHOWN` rows.

    Raises KeyError when there is no such kind.
    """
    resource = {resource.singular: resource for resource in ROSTER_RESOURCES}[kind]
    raw = _raw_rows(home.raw(source_id, school_year), resource, sourced_id)
    with Warehouse(home).transaction(source_id, school_year) as session:
        apply_settings(session, settings)
        session.set_variables(asked_kind=kind, asked_id=sourced_id, rows_shown=ROWS_SHOWN)
        roster = _rows(
            session,
            f"SELECT * EXCLUDE (source_id, school_year) FROM roster.{resource.table} "
            "WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year') "
            "AND sourced_id = getvariable('asked_id')",
        )
        session.set_variables(**_pair(raw, roster))
        session.run_file("explain/macros")
        rejects = _rows(
            session,
            "SELECT position, codes FROM roster.rejects WHERE source_id = getvariable('source_id') "
            "AND school_year = getvariable('school_year') AND kind = getvariable('asked_kind') "
            "AND sourced_id = getvariable('asked_id')",
        )
        parts = {name: _rows(session, sql_text(query)) for name, query in _PARTS}
    return Life(source_id, school_year, kind, sourced_id, {"raw": raw, "roster": roster, "rejects": rejects, **parts})


def audit_of_courses(home: Home, source_id: str, name: str) -> list[Row]:
    """What was delivered of courses whose name holds `name`, whatever its letters' case; newest first.

    A course that the integration did not create is not in the audit log, so nothing is found of it.
    """
    with Warehouse(home).transaction(source_id, "") as session:
        session.set_variables(asked_name=name, rows_shown=ROWS_SHOWN)
        return _rows(session, sql_text("explain/audit_of_courses"))


def _raw_rows(folder: Path, resource: Resource, sourced_id: str) -> list[Row]:
    """The record as each snapshot has it, newest first; snapshots that have the same are told once, as the oldest."""
    found: list[Row] = []
    with duckdb.connect() as database:
        for snapshot in reversed(snapshots(folder)):
            rows = _raw_row(database, snapshot, resource, sourced_id)
            seen = {"snapshot": snapshot.name, "extracted_at": snapshot.extracted_at, "rows": rows}
            if found and found[-1]["rows"] == rows:
                found[-1] = seen
            else:
                found.append(seen)
    while found and not found[-1]["rows"]:
        found.pop()  # before it first came there is nothing to tell
    return found


def _raw_row(database: duckdb.DuckDBPyConnection, snapshot: Snapshot, resource: Resource, sourced_id: str) -> list[Row]:
    cursor = database.execute(
        'SELECT * FROM read_parquet($path) WHERE "sourcedId" = $sourced_id',
        {"path": str(snapshot.resources[resource.name].path), "sourced_id": sourced_id},
    )
    columns = [column[0] for column in cursor.description or []]
    rows = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
    # The place in the feed is no property of the record.
    return [{name: value for name, value in row.items() if value is not None and name != "position"} for row in rows]


def _pair(raw: list[Row], roster: list[Row]) -> dict[str, str | None]:
    """User and class of an enrollment, from where it is still to be found."""
    for row in roster:
        if "class_sourced_id" in row:
            return {"asked_user": row["user_sourced_id"], "asked_class": row["class_sourced_id"]}
    for snapshot in raw:
        for row in snapshot["rows"]:
            if "classSourcedId" in row:
                return {"asked_user": row.get("userSourcedId"), "asked_class": row["classSourcedId"]}
    return {"asked_user": None, "asked_class": None}


def _rows(session: Session, query: str) -> list[Row]:
    cursor = session.connection.execute(query)
    columns = [(column[0], str(column[1])) for column in cursor.description or []]
    return [
        {
            name: orjson.loads(value) if type_ == "JSON" and value is not None else value
            for (name, type_), value in zip(columns, row, strict=True)
        }
        for row in cursor.fetchall()
    ]

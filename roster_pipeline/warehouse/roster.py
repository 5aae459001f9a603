"""Conforms and validates a raw snapshot: typed rows into `roster.*`, rows that cannot be used into `roster.rejects`."""

from dataclasses import dataclass

from roster_pipeline.issues import prepare_findings, record_findings
from roster_pipeline.oneroster.resources import ROSTER_RESOURCES, Resource
from roster_pipeline.oneroster.snapshot import Snapshot
from roster_pipeline.settings import Source
from roster_pipeline.warehouse.catalogue import tables
from roster_pipeline.warehouse.connection import Session, sql_text
from roster_pipeline.warehouse.settings_tables import apply_settings

#: Share of rows that may refer to objects the SIS did not send before absence from the extract is not trusted.
DANGLING_LIMIT = 0.05


@dataclass(frozen=True)
class RosterCounts:
    """What one build of the roster tables found."""

    rows: dict[str, int]
    """Rows kept, by roster table."""
    issues: dict[str, int]
    """Findings by severity."""


def build_roster(session: Session, snapshot: Snapshot, settings: Source, run_id: str) -> RosterCounts:
    """Fill `roster.*` of the session's source and school year from a raw snapshot."""
    apply_settings(session, settings)
    prepare_findings(session)
    if snapshot.findings:
        session.connection.executemany(
            "INSERT INTO findings (code, kind, sourced_id, detail) VALUES (?, ?, ?, ?)",
            [(each.code, each.kind, each.sourced_id, each.detail) for each in snapshot.findings],
        )
    for resource in ROSTER_RESOURCES:
        _conform(session, resource, snapshot)
        _find_schema_faults(session, resource)
        _drop_rows(session, resource)
        for faults in ("duplicates", "values", resource.table):
            session.run_file(f"roster/faults/{faults}")
            _drop_rows(session, resource)
    session.begin()
    rows: dict[str, int] = {}
    for resource in ROSTER_RESOURCES:
        rows[resource.table] = session.replace_partition(
            f"roster.{resource.table}", f"SELECT {_columns(resource)} FROM accepted_{resource.table}", "position"
        )
        _record_extract(session, resource, snapshot, run_id)
    session.replace_partition("roster.rejects", sql_text("roster/rejects"))
    return RosterCounts(rows, record_findings(session, run_id))


def _conform(session: Session, resource: Resource, snapshot: Snapshot) -> None:
    """Read the Parquet file into the typed rows of `accepted`, from which rows with faults will go to `dropped`."""
    path = str(snapshot.resources[resource.name].path).replace("'", "''")
    session.set_variables(kind=resource.singular)
    # Cleaned below everything else, so that each value is cleaned once, however often it is looked at.
    cleaned = ", ".join(
        f'clean{"_list" if field.is_list else ""}("{field.name}") AS "{field.column}"' for field in resource.fields
    )
    session.execute(
        f"CREATE OR REPLACE TEMP VIEW cleaned_{resource.table} AS "
        f"SELECT {cleaned}, metadata, position, sourcedId <> sourced_id AS blanks_around FROM read_parquet('{path}')"
    )
    session.create_temporary(f"accepted_{resource.table}", f"roster/{resource.table}")
    session.execute(f"CREATE OR REPLACE TEMP TABLE dropped_{resource.table} AS FROM accepted_{resource.table} LIMIT 0")
    for state in ("accepted", "dropped"):
        session.execute(f"CREATE OR REPLACE TEMP VIEW {state} AS FROM {state}_{resource.table}")


def _drop_rows(session: Session, resource: Resource) -> None:
    """Take the rows that a finding keeps out of `accepted`, so that nothing else has to look at findings."""
    kept_out = (
        "position IN (SELECT position FROM findings INNER JOIN issue_codes USING (code) "
        "WHERE drops_row AND kind = getvariable('kind'))"
    )
    session.execute(f"INSERT INTO dropped_{resource.table} FROM accepted WHERE {kept_out}")
    session.execute(f"DELETE FROM accepted_{resource.table} WHERE {kept_out}")


def _find_schema_faults(session: Session, resource: Resource) -> None:
    query = sql_text(f"roster/required/{resource.table}")
    session.execute(
        "INSERT INTO findings (code, kind, sourced_id, detail, position) "
        "SELECT DISTINCT code, getvariable('kind'), sourced_id, "
        "CASE WHEN sourced_id IS NULL THEN position::VARCHAR END, position "
        "FROM (SELECT position, sourced_id, unnest(codes) AS code "
        f"FROM ({query})) WHERE code IS NOT NULL"
    )


def _record_extract(session: Session, resource: Resource, snapshot: Snapshot, run_id: str) -> None:
    because = _incomplete_because(session, resource, snapshot)
    session.execute(
        "INSERT INTO sync.extracts SELECT $source_id, $school_year, $run_id, $snapshot, $resource, $rows, $mode, "
        "$because IS NULL, $because, $package_hash, $extracted_at",
        {
            "source_id": session.source_id,
            "school_year": session.school_year,
            "run_id": run_id,
            "snapshot": snapshot.name,
            "resource": resource.name,
            "rows": snapshot.resources[resource.name].rows,
            "mode": snapshot.resources[resource.name].mode,
            "because": because,
            "package_hash": snapshot.package_hash,
            "extracted_at": snapshot.extracted_at,
        },
    )


def _columns(resource: Resource) -> str:
    return ", ".join(f'"{column.name}"' for column in tables()[f"roster.{resource.table}"].content)


def _incomplete_because(session: Session, resource: Resource, snapshot: Snapshot) -> str | None:
    """Why absence from this resource means nothing, or None where it does mean removal."""
    extracted = snapshot.resources[resource.name]
    if extracted.mode != "bulk":
        return f"the package holds {'changes only' if extracted.mode == 'delta' else 'no such file'}"
    if extracted.unstable:
        return "rows may be missing: the extract did not settle"
    dangling = session.value(
        "SELECT count(DISTINCT position) FROM findings WHERE kind = $kind AND code LIKE '%_unknown'",
        {"kind": resource.singular},
    )
    if dangling > DANGLING_LIMIT * extracted.rows:
        return f"{dangling} of {extracted.rows} rows refer to objects that the SIS did not send"
    return None

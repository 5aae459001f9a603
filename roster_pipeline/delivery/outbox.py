"""Route `outbox`: a Standard CSV bundle in `outbox/<source_id>/`, and the state that says it left.

Three steps, so that a run may die between any two instructions:

1. The bundle is finished under a temporary name in `.staging/`, and `sync.deliveries` notes it as prepared.
2. The bundle is renamed into the outbox. From this instant on it is delivered.
3. One transaction advances `sync.mappings`, writes `sync.audit_log` and notes the bundle as confirmed.

A later run finds a prepared bundle and settles it before it works out a new delta: still in `.staging/`, it never
left and is thrown away; no longer there, it left, and step 3 is made up for with the delta that is still stored.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from roster_pipeline.brightspace.standard_csv import StagedBundle, stage_bundle
from roster_pipeline.home import private_folder, sync_folder
from roster_pipeline.settings import Source
from roster_pipeline.warehouse.connection import Session, Warehouse
from roster_pipeline.warehouse.delta import DeltaCounts, delta_counts, delta_fingerprint
from roster_pipeline.warehouse.settings_tables import apply_settings

STAGING = ".staging"


@dataclass(frozen=True)
class Delivered:
    """What a delivery did."""

    route: str
    bundle: Path | None
    """Where the bundle is; None where there was nothing to send."""
    rows: dict[str, int]
    """Lines of the bundle by file."""
    counts: DeltaCounts


def deliver(warehouse: Warehouse, outbox: Path, source_id: str, school_year: str, settings: Source, run_id: str) -> Delivered:
    """Deliver the delta of a source and school year as a bundle in `outbox`.

    Raises StandardCsvError when a row would be refused by Brightspace; nothing has changed then.
    """
    with warehouse.transaction(source_id, school_year) as session:
        apply_settings(session, settings)
        counts = delta_counts(session)
        if not any(counts.values()):
            return Delivered("outbox", None, {}, counts)
        staged = _stage(session, outbox, settings)
        if staged:
            _note_prepared(session, staged, run_id)
    if staged:
        _release(staged, outbox)
    with warehouse.transaction(source_id, school_year) as session:
        apply_settings(session, settings)
        _confirm(session, run_id, staged.name if staged else None)
    return Delivered("outbox", outbox / staged.name if staged else None, staged.rows if staged else {}, counts)


def settle(warehouse: Warehouse, outbox: Path, source_id: str, school_year: str, settings: Source) -> str | None:
    """Finish or forget what an interrupted delivery of this source and school year left; tells which, if any."""
    with warehouse.transaction(source_id, school_year) as session:
        prepared = session.execute(
            "SELECT bundle, run_id FROM sync.deliveries WHERE source_id = getvariable('source_id') "
            "AND school_year = getvariable('school_year') AND state = 'prepared'"
        )
        if not prepared:
            return None
        ((bundle, run_id),) = prepared
        staged = _staged_path(outbox, bundle)
        if staged.exists():
            session.execute(
                "UPDATE sync.deliveries SET state = 'discarded' WHERE source_id = getvariable('source_id') "
                "AND school_year = getvariable('school_year') AND state = 'prepared'"
            )
            staged.unlink()
            return f"{bundle} never left and was discarded"
        apply_settings(session, settings)
        _confirm(session, run_id, bundle)
        return f"{bundle} had left and is now confirmed"


def _stage(session: Session, outbox: Path, settings: Source) -> StagedBundle | None:
    for table in ("unit_codes", "unit_depths", "current_users", "org_units", "users", "enrollments"):
        session.create_temporary(table, f"delivery/{table}")
    if not session.value("SELECT (SELECT count(*) FROM org_units) + (SELECT count(*) FROM users) + (SELECT count(*) FROM enrollments)"):
        return None  # only mappings end: nothing for Brightspace to do
    return stage_bundle(
        session.connection,
        private_folder(outbox / STAGING),
        _timestamp(outbox),
        settings.delivery.standard_csv_version,
    )


def _timestamp(outbox: Path) -> datetime:
    """Now, or the first second after it whose bundle name is free."""
    moment = datetime.now(UTC).replace(microsecond=0)
    while list(outbox.glob(f"*{moment:%Y%m%d%H%M%S}.zip")):
        moment += timedelta(seconds=1)
    return moment


def _note_prepared(session: Session, staged: StagedBundle, run_id: str) -> None:
    session.execute(
        "INSERT INTO sync.deliveries (source_id, school_year, run_id, route, bundle, fingerprint, state, prepared_at) "
        "VALUES (getvariable('source_id'), getvariable('school_year'), $run_id, 'outbox', $bundle, $fingerprint, "
        "'prepared', $now)",
        {
            "run_id": run_id,
            "bundle": staged.name,
            "fingerprint": delta_fingerprint(session),
            "now": datetime.now(UTC).replace(tzinfo=None),
        },
    )


def _release(staged: StagedBundle, outbox: Path) -> None:
    staged.path.rename(outbox / staged.name)
    sync_folder(outbox)


def _staged_path(outbox: Path, bundle: str) -> Path:
    return outbox / STAGING / f".{bundle}.part"


def _confirm(session: Session, run_id: str, bundle: str | None) -> None:
    now = datetime.now(UTC).replace(tzinfo=None)
    session.set_variables(run_id=run_id, confirmed_at=now, route="outbox")
    session.run_file("delivery/confirm")
    if bundle:
        session.execute(
            "UPDATE sync.deliveries SET state = 'confirmed', confirmed_at = $now "
            "WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year') "
            "AND bundle = $bundle",
            {"now": now, "bundle": bundle},
        )

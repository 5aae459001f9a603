"""Makes the due part of a delta into a Standard CSV bundle; rows that Brightspace would refuse stay behind, and due."""

from datetime import datetime
from pathlib import Path

from roster_pipeline.brightspace.standard_csv import StagedBundle, StandardCsvError, Version, stage_bundle
from roster_pipeline.home import private_folder
from roster_pipeline.issues import prepare_findings, record_findings
from roster_pipeline.warehouse.connection import Session


def stage_due(
    session: Session, staging: Path, timestamp: datetime, version: Version, run_id: str
) -> StagedBundle | None:
    """Stage a bundle of the session's delta, to be renamed; None when nothing of it concerns Brightspace.

    A row with a fault is left out together with what rests on it: the children of an org unit that therefore does not
    come to be, and the enrollments and relationships of such a user or unit. All of them go to `sync.refused` and,
    each with an issue, to `sync.issues`.
    """
    session.execute(
        "CREATE OR REPLACE TEMP TABLE refused (kind VARCHAR, sourced_id VARCHAR, fault VARCHAR, field VARCHAR)"
    )
    session.run_file("delivery/due")
    staged = _stage_without_faults(session, staging, timestamp, version)
    session.begin()
    session.replace_partition("sync.refused", "SELECT kind, sourced_id, fault, field FROM refused")
    prepare_findings(session)
    session.run_file("delivery/refused_findings")
    record_findings(session, run_id)
    return staged


def forget_refused(session: Session) -> None:
    """Nothing is due, so nothing is refused any more."""
    session.replace_partition("sync.refused", "SELECT kind, sourced_id, fault, field FROM sync.refused LIMIT 0")


def load_due(session: Session) -> None:
    """Make the `due_*` views again what the latest bundle of the session's source and school year was made of."""
    session.execute(
        "CREATE OR REPLACE TEMP TABLE refused AS SELECT kind, sourced_id FROM sync.refused "
        "WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year')"
    )
    session.run_file("delivery/due")


def _stage_without_faults(
    session: Session, staging: Path, timestamp: datetime, version: Version
) -> StagedBundle | None:
    # Every turn leaves out at least one row more.
    while True:
        _build_lines(session)
        if not any(session.value(f"SELECT count(*) FROM {table}") for table in ("org_units", "users", "enrollments")):
            return None
        refused = _refused(session)
        try:
            return stage_bundle(session.connection, private_folder(staging), timestamp, version)
        except StandardCsvError:
            session.run_file("delivery/refused_by_fault")
            if _refused(session) == refused:
                raise


def _build_lines(session: Session) -> None:
    """The three relations of the bundle, without what rests on a refused row."""
    refused = None
    while refused != (refused := _refused(session)):
        session.create_temporary("unit_codes", "delivery/unit_codes")
        session.create_temporary("current_users", "delivery/current_users")
        session.run_file("delivery/refused_by_dependence")
    for table in ("unit_depths", "org_units", "users", "enrollments"):
        session.create_temporary(table, f"delivery/{table}")


def _refused(session: Session) -> int:
    rows: int = session.value("SELECT count(*) FROM refused")
    return rows

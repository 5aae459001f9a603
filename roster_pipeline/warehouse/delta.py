"""Works out what changed: `delta.*`, the hierarchy as it should be against what was last confirmed delivered."""

from datetime import date

from roster_pipeline.issues import prepare_findings, record_findings
from roster_pipeline.settings import Source
from roster_pipeline.warehouse.connection import Session, sql_text
from roster_pipeline.warehouse.existing import NOTHING, Existing, load_existing
from roster_pipeline.warehouse.settings_tables import apply_settings

#: In this order, because what happens to an org unit decides what happens to its enrollments and content.
TABLES = ("org_units", "users", "relationships", "enrollments", "content_copies")

#: Rows of the delta by entity and action.
DeltaCounts = dict[str, dict[str, int]]


def build_delta(
    session: Session, settings: Source, as_of: date, run_id: str, existing: Existing = NOTHING
) -> DeltaCounts:
    """Fill `delta.*` of the session's source and school year; returns the rows by entity and action.

    `as_of` is the day on which end dates are looked at, `existing` what Brightspace holds already.

    Raises ExistingError.
    """
    apply_settings(session, settings)
    prepare_findings(session)
    session.set_variables(as_of=as_of, enrollments_complete=_enrollments_complete(session))
    load_existing(session, existing)
    for step in ("held_by_later_year", "unit_candidates", "unit_links", "user_candidates", "user_links"):
        session.create_temporary(step, f"delta/{step}")
    session.begin()
    for table in TABLES:
        if table == "content_copies":
            session.create_temporary("content_sources", "delta/content_sources")
        session.replace_partition(f"delta.{table}", sql_text(f"delta/{table}"))
    session.run_file("delta/faults")
    record_findings(session, run_id)
    return delta_counts(session)


def delta_counts(session: Session) -> DeltaCounts:
    """Rows of the delta as it stands, by entity and action."""
    return {
        table: dict(
            session.execute(
                f"SELECT action, count(*) FROM delta.{table} WHERE source_id = getvariable('source_id') "
                "AND school_year = getvariable('school_year') GROUP BY action ORDER BY action"
            )
        )
        for table in TABLES
    }


def delta_fingerprint(session: Session) -> str:
    """What identifies exactly this delta."""
    return "/".join(session.fingerprint(f"delta.{table}") for table in TABLES)


def _enrollments_complete(session: Session) -> bool:
    """Whether an enrollment that is missing from the latest extract is really gone from the SIS."""
    latest = session.execute(
        "SELECT is_complete FROM sync.extracts WHERE source_id = getvariable('source_id') "
        "AND school_year = getvariable('school_year') AND resource = 'enrollments' "
        "ORDER BY extracted_at DESC LIMIT 1"
    )
    return bool(latest and latest[0][0])

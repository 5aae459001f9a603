"""Works out the Brightspace hierarchy of a school year from the roster tables: `brightspace.*`."""

from dataclasses import dataclass
from datetime import date

from roster_pipeline.brightspace.limits import USERNAME
from roster_pipeline.issues import prepare_findings, record_findings
from roster_pipeline.partitions import ending_year
from roster_pipeline.settings import Source
from roster_pipeline.warehouse.connection import Session, sql_text
from roster_pipeline.warehouse.settings_tables import apply_settings

TABLES = ("org_units", "org_unit_parents", "users", "relationships", "enrollments")


class NoSessionsError(Exception):
    """The SIS holds no academic session of the school year, so nothing can be said about it."""


@dataclass(frozen=True)
class HierarchyCounts:
    """Rows by table of the brightspace schema, and findings by severity."""

    rows: dict[str, int]
    issues: dict[str, int]


def build_hierarchy(session: Session, settings: Source, as_of: date, run_id: str) -> HierarchyCounts:
    """Fill `brightspace.*` of the session's source and school year from `roster.*`.

    `as_of` is the day on which end dates are looked at. Raises NoSessionsError.
    """
    apply_settings(session, settings)
    prepare_findings(session)
    session.set_variables(
        as_of=as_of, year_ends=ending_year(session.school_year), refused_in_logins=USERNAME.forbidden_pattern
    )
    for step in ("session_years", "org_places"):
        session.create_temporary(step, f"hierarchy/{step}")
    _demand_sessions(session)
    for step in ("year_classes", "class_dates", "units", "eligible_users"):
        session.create_temporary(step, f"hierarchy/{step}")
    # A view, for those whom the faults leave: the next fault is looked for among them only.
    session.execute(f"CREATE OR REPLACE TEMP VIEW users_of_year AS {sql_text('hierarchy/users_of_year')}")
    session.run_file("hierarchy/faults_users")
    for step in ("class_enrollments", "upper_enrollments"):
        session.create_temporary(step, f"hierarchy/{step}")
    session.run_file("hierarchy/faults")
    session.begin()
    rows = {
        table: session.replace_partition(
            f"brightspace.{table}",
            sql_text(f"brightspace/{table}"),
            # Twice as many as the rows they are made of: those are read again instead.
            "row_id" if table == "enrollments" else None,
        )
        for table in TABLES
    }
    return HierarchyCounts(rows, record_findings(session, run_id))


def _demand_sessions(session: Session) -> None:
    if session.value("SELECT EXISTS (FROM session_years WHERE ends = getvariable('year_ends') AND status = 'active')"):
        return
    known = session.execute(
        "SELECT DISTINCT ends FROM session_years WHERE ends IS NOT NULL AND status = 'active' ORDER BY ends"
    )
    years = ", ".join(f"{ends - 1}-{ends}" for (ends,) in known) or "no school year"
    raise NoSessionsError(
        f"The SIS holds no active academic session of school year {session.school_year}, only of {years}. "
        "Choose one of those, or have the SIS share the sessions of that year."
    )

"""One export of grades from permission to report: plan under the warehouse's lock, send without it, record."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from roster_pipeline.grades.journal import Journal
from roster_pipeline.grades.push import Push, SisUnreachableError
from roster_pipeline.grades.scope import (
    ExportRefusedError,
    ExportRequest,
    apply_request,
    other_year,
    policy_of,
    scopes_of,
)
from roster_pipeline.home import PRIVATE_FILE, Home
from roster_pipeline.issues import prepare_findings, record_findings
from roster_pipeline.oneroster.gradebook_client import GradebookClient
from roster_pipeline.settings import Source
from roster_pipeline.settings.connection import Rest
from roster_pipeline.warehouse.connection import Session, Warehouse, sql_text
from roster_pipeline.warehouse.literal import literal
from roster_pipeline.warehouse.tested import is_tested

#: Refusals in a row from which on a person is told.
STUCK_AFTER = 3


@dataclass(frozen=True)
class ExportReport:
    """What an export did."""

    run_id: str
    status: str
    counts: dict[str, dict[str, int]]
    """Lines by kind and outcome."""
    not_eligible: dict[str, int]
    """Items that may not go, by reason."""
    writes: int
    """Requests that were to change something in the SIS."""


def exports_folder(home: Home, source_id: str) -> Path:
    """Where plans and journals of a source's exports are while they run."""
    return home.root / "exports" / source_id


def authorize(settings: Source, request: ExportRequest) -> None:
    """Raises ExportRefusedError unless the settings let this export start."""
    export = settings.grade_export
    if not export.enabled:
        raise ExportRefusedError("not_enabled", "grade_export.enabled is false; no grades are sent until it is true")
    if not isinstance(settings.connection, Rest):
        raise ExportRefusedError("no_rest", "grades go back over OneRoster REST; set connection.kind: rest")
    if policy_of(settings).only_teacher_group and not export.skyward.use_grade_setting_unchecked:
        raise ExportRefusedError(
            "setting_not_confirmed",
            "Uncheck 'Use Grade When Posting Secondary Gradebook Assignment Scores' in Skyward Contact Access > "
            "District Setup > Configuration > API Configuration, then confirm it with "
            "grade_export.skyward.use_grade_setting_unchecked: true",
        )
    if request.trigger != "on_demand":
        return
    if not export.on_demand:
        raise ExportRefusedError("on_demand_off", "grade_export.on_demand is false; exports on demand are switched off")
    if not request.by_operator and request.requested_by not in export.allowed_users:
        raise ExportRefusedError(
            "no_permission", f"{request.requested_by} is not among grade_export.allowed_users; add the login there"
        )


def queue_run(warehouse: Warehouse, source_id: str, school_year: str, run_id: str, requested_by: str | None) -> None:
    """Put an export on record that waits for its turn."""
    with warehouse.transaction(source_id, school_year) as session:
        session.execute(
            "INSERT INTO grades.export_runs (source_id, school_year, run_id, trigger, requested_by, status, counts) "
            "VALUES (getvariable('source_id'), getvariable('school_year'), $run_id, 'on_demand', $requested_by, "
            "'queued', '{}')",
            {"run_id": run_id, "requested_by": requested_by},
        )


def open_run(warehouse: Warehouse, source_id: str, school_year: str, settings: Source, request: ExportRequest) -> None:
    """Put the export on record as running. Raises ExportRefusedError, which is on record too."""
    refusal: ExportRefusedError | None = None
    with warehouse.transaction(source_id, school_year) as session:
        try:
            authorize(settings, request)
            _demand_current_year(settings, request, school_year)
            _demand_tested(session, settings, request)
            _demand_managed(session, request)
        except ExportRefusedError as error:
            refusal = error
        session.set_variables(
            run_id=request.run_id,
            trigger=request.trigger,
            requested_by=request.requested_by,
            started_at=request.started_at,
            refusal=f"{refusal.code}: {refusal}" if refusal else None,
            scope_classes=list(request.classes),
            scope_sessions=list(request.sessions),
            is_scheduled=settings.grade_export.enabled and settings.grade_export.daily,
        )
        session.run_file("grades/open_run")
    if refusal:
        raise refusal


@contextmanager
def fail_run(warehouse: Warehouse, source_id: str, school_year: str, request: ExportRequest) -> Generator[None]:
    """Put it on record when an export fails before it has anything to send."""
    try:
        yield
    except Exception as error:
        with warehouse.transaction(source_id, school_year) as session:
            session.set_variables(run_id=request.run_id)
            _end_run(session, "failed", {}, str(error))
        raise


def settle_killed(warehouse: Warehouse, home: Home, source_id: str) -> list[str]:
    """Bring into the ledger what killed exports had sent; tells their runs."""
    settled: list[str] = []
    for folder in sorted(exports_folder(home, source_id).glob("*/*")):
        journal = Journal(folder, warehouse, source_id, folder.parent.name, folder.name)
        if journal.plan.exists():
            journal.settle_interrupted()
        journal.remove()
        settled.append(folder.name)
    return settled


def export_grades(
    warehouse: Warehouse,
    home: Home,
    source_id: str,
    school_year: str,
    settings: Source,
    request: ExportRequest,
    log: Callable[[str], None] = lambda _: None,
) -> ExportReport:
    """Send what is due of the gradebook tables. The run is on record already; whoever calls holds the source's lock.

    Raises SisUnreachableError; what was sent until then is recorded, the rest stays due.
    """
    for run_id in settle_killed(warehouse, home, source_id):
        log(f"Export {run_id} had been interrupted; what it had sent is recorded")
    folder = exports_folder(home, source_id) / school_year / request.run_id
    journal = Journal(folder, warehouse, source_id, school_year, request.run_id)
    writes = 0
    try:
        with warehouse.transaction(source_id, school_year) as session:
            writes = _plan(session, settings, request, journal.plan)
        if writes and not request.dry_run:
            _send(settings, journal)
    except Exception as trouble:
        # Where the SIS answers no more, every write that was tried is noted.
        if journal.plan.exists() and not isinstance(trouble, SisUnreachableError):
            journal.settle_interrupted()
        _close(warehouse, journal, request, writes, str(trouble))
        raise
    return _close(warehouse, journal, request, writes, None)


def _send(settings: Source, journal: Journal) -> None:
    connection, export = settings.connection, settings.grade_export
    assert isinstance(connection, Rest)  # noqa: S101 - `authorize` saw to it
    with GradebookClient(connection, deletes=policy_of(settings).deletes == "sent") as client:
        Push(client, journal, concurrency=connection.concurrency, verify=export.verify).run()


def _demand_current_year(settings: Source, request: ExportRequest, school_year: str) -> None:
    if request.trigger == "nightly" and (why := other_year(settings, school_year, request.day)):
        raise ExportRefusedError("other_school_year", why)


def _demand_tested(session: Session, settings: Source, request: ExportRequest) -> None:
    if request.trigger != "nightly" or not policy_of(settings).needs_connection_test:
        return
    if not is_tested(session, settings.connection, scopes_of(settings)):
        raise ExportRefusedError(
            "connection_not_tested",
            f"no test of the connection as it is set now has passed, and nightly exports wait for one; "
            f"run `roster check {session.source_id}` or the job {session.source_id}__connection_test",
        )


def _demand_managed(session: Session, request: ExportRequest) -> None:
    for class_id in request.classes:
        if not session.execute(
            "SELECT 1 FROM sync.mappings WHERE source_id = getvariable('source_id') "
            "AND kind = 'course_offering' AND sourced_id = $class_id",
            {"class_id": class_id},
        ):
            raise ExportRefusedError(
                "class_not_managed",
                f"class {class_id} is no course that the integration created; nothing can be exported",
            )


def _plan(session: Session, settings: Source, request: ExportRequest, path: Path) -> int:
    """Write what is due to `path` and claim its ids; returns how many writes that are."""
    apply_request(session, settings, request)
    # What a person asked for, or only looks at, is told in full; a night's leavings are in grades.items.
    session.set_variables(tells_skipped=request.trigger == "on_demand" or request.dry_run)
    session.create_temporary("export_line_items", "grades/line_items")
    session.create_temporary("export_results", "grades/results")
    session.create_temporary("export_deletions", "grades/deletions")
    session.create_temporary("export_plan", "grades/plan")
    session.execute(
        "INSERT INTO grades.export_lines SELECT getvariable('source_id'), getvariable('school_year'), "
        "getvariable('run_id'), kind, local_id, sourced_id, class_sourced_id, course_name, item, student, score, "
        f"'none', reason, outcome, error, getvariable('started_at') FROM ({sql_text('grades/unsent')})"
    )
    if request.dry_run:
        session.execute(
            "INSERT INTO grades.export_lines SELECT getvariable('source_id'), getvariable('school_year'), "
            "getvariable('run_id'), kind, local_id, sourced_id, class_sourced_id, course_name, name, "
            "student_sourced_id, score, action, reason, 'planned', NULL, getvariable('started_at') FROM export_plan"
        )
    else:
        session.run_file("grades/claim")
        session.execute(f"COPY export_plan TO {literal(path)} (FORMAT parquet, COMPRESSION zstd)")
        path.chmod(PRIVATE_FILE)
    return int(session.value("SELECT count(*) FROM export_plan"))


def _close(
    warehouse: Warehouse, journal: Journal, request: ExportRequest, writes: int, error: str | None
) -> ExportReport:
    """Record what is left, and set the run's end. The journal stays where it could not be folded."""
    journal.settle()
    with warehouse.transaction(journal.source_id, journal.school_year) as session:
        report = _close_run(session, request, writes, error)
    journal.remove()
    return report


def _close_run(session: Session, request: ExportRequest, writes: int, error: str | None) -> ExportReport:
    """Count, report what somebody must look at, and set the run's end."""
    session.set_variables(run_id=request.run_id, stuck_after=STUCK_AFTER)
    prepare_findings(session)
    session.run_file("grades/export_findings")
    record_findings(session, request.run_id)
    counts: dict[str, dict[str, int]] = {}
    for kind, outcome, number in session.execute(
        "SELECT kind, outcome, count(*) FROM grades.export_lines WHERE source_id = getvariable('source_id') "
        "AND school_year = getvariable('school_year') AND run_id = getvariable('run_id') GROUP BY 1, 2 ORDER BY 1, 2"
    ):
        counts.setdefault(kind, {})[outcome] = number
    not_eligible = dict(
        session.execute(
            "SELECT reason_not_eligible, count(*) FROM grades.items WHERE source_id = getvariable('source_id') "
            "AND school_year = getvariable('school_year') AND NOT eligible GROUP BY 1 ORDER BY 1"
        )
    )
    status = "failed" if error else "dry_run" if request.dry_run else "done"
    told: dict[str, Any] = {"lines": counts, "not_eligible": not_eligible, "writes": writes}
    _end_run(session, status, told, error)
    return ExportReport(request.run_id, status, counts, not_eligible, writes)


def _end_run(session: Session, status: str, counts: dict[str, Any], error: str | None) -> None:
    session.execute(
        "UPDATE grades.export_runs SET status = $status, ended_at = $now, counts = $counts, error = $error "
        "WHERE source_id = getvariable('source_id') AND run_id = getvariable('run_id')",
        {
            "status": status,
            "now": datetime.now(UTC).replace(tzinfo=None),
            "counts": orjson.dumps(counts).decode(),
            "error": error,
        },
    )


def find_run(session: Session, run_id: str) -> dict[str, Any]:
    """An export's counts, as in `grades.export_runs`."""
    counts: dict[str, Any] = orjson.loads(
        session.value(
            "SELECT counts::VARCHAR FROM grades.export_runs "
            "WHERE source_id = getvariable('source_id') AND run_id = $run_id",
            {"run_id": run_id},
        )
    )
    return counts

"""The `roster` command, thin: every verb that works on a source launches the same Dagster job as the UI."""

import atexit
import contextlib
import gc
import getpass
import subprocess
import sys
import threading
from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import click
from rich.markup import escape

from roster_pipeline import printing
from roster_pipeline.explain import KINDS, audit_of_courses
from roster_pipeline.explain import explain as explain_record
from roster_pipeline.home import Home
from roster_pipeline.partitions import ending_year, school_years, today
from roster_pipeline.printing import errors
from roster_pipeline.settings import SettingsError, Source, SourceFile, load_source, load_sources
from roster_pipeline.warehouse.connection import Warehouse

if TYPE_CHECKING:
    from roster_pipeline.launch import RunReport

DONE, FAILED, WRONG, HELD = 0, 1, 2, 3


def _school_year(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None:
        try:
            ending_year(value)
        except ValueError as error:
            raise click.BadParameter(str(error)) from error
    return value


def _day(_context: click.Context, _parameter: click.Parameter, value: datetime | None) -> date | None:
    return value.date() if value else None


json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
school_year_option = click.option(
    "--school-year", callback=_school_year, help="Such as 2026-2027; the current one by default."
)
as_of_option = click.option(
    "--as-of", type=click.DateTime(["%Y-%m-%d"]), callback=_day, help="Work as on this day; today by default."
)
classes_option = click.option(
    "--class", "classes", multiple=True, metavar="ID", help="Only this class, by its id in the SIS."
)


@click.group()
def main() -> None:
    """A district's roster from its SIS into Brightspace, and its grades back."""
    # Loading Dagster makes very many objects that all stay; to look through them again and again takes longer than
    # loading half of them.
    gc.set_threshold(100_000, 50, 100)
    # As long as a small district's whole night would it take to free them one by one at the end.
    atexit.register(gc.freeze)


@main.command()
@json_option
@click.option("--schema", is_flag=True, help="Print the JSON schema of a source file, for editors.")
def sources(*, as_json: bool, schema: bool) -> None:
    """List and check the source files."""
    if schema:
        from roster_pipeline.settings.schema import source_schema  # noqa: PLC0415 - only here

        printing.as_json(source_schema())
        return
    home = Home.from_environment()
    loaded, mistakes = load_sources(home.sources)
    if as_json:
        printing.as_json(
            {
                "sources": [
                    {
                        "source_id": source.source_id,
                        "name": source.settings.name,
                        "profile": source.settings.profile,
                        "connection": source.settings.connection.kind,
                        "route": source.settings.delivery.route,
                        "warnings": source.settings.warnings(),
                    }
                    for source in loaded
                ],
                "mistakes": [
                    {"file": str(m.file), "line": m.line, "key": m.key, "message": m.message} for m in mistakes
                ],
            }
        )
    else:
        printing.sources(home, loaded, [str(mistake) for mistake in mistakes])
    sys.exit(WRONG if mistakes else DONE)


@main.command()
@click.argument("source")
@json_option
def check(source: str, *, as_json: bool) -> None:
    """Try the connection of SOURCE and tell what passed."""
    home, loaded = _load(source, as_json=as_json)
    from roster_pipeline import launch  # noqa: PLC0415 - Dagster takes seconds to load

    with errors.status(f"{loaded.settings.name}: trying the connection …"):
        steps = launch.run_connection_test(home, source)
    passed = all(step["outcome"] != "failed" for step in steps)
    if as_json:
        printing.as_json({"source_id": source, "passed": passed, "steps": steps})
    else:
        printing.steps(steps)
    sys.exit(DONE if passed else FAILED)


@main.command()
@click.argument("source")
@school_year_option
@as_of_option
@click.option("--dry-run", is_flag=True, help="Stop after the delta and print it.")
@click.option("--accept-changes", is_flag=True, help="Let the delta that was held back pass.")
@click.option("--no-grades", is_flag=True, help="The roster only.")
@json_option
def sync(
    source: str,
    *,
    school_year: str | None,
    as_of: date | None,
    dry_run: bool,
    accept_changes: bool,
    no_grades: bool,
    as_json: bool,
) -> None:
    """Run the nightly job of SOURCE now."""
    home, loaded = _load(source, as_json=as_json)
    school_year = _known_school_year(loaded.settings, school_year, as_of)
    with errors.status(f"{loaded.settings.name}, {school_year}: syncing …"):
        report = _run(
            home,
            source,
            "roster_sync" if no_grades or dry_run else "nightly",
            school_year,
            as_of=as_of,
            config={"accept_changes": accept_changes, "dry_run": dry_run},
            layers=["raw", "roster", "brightspace", "delta"] if dry_run else None,
        )
    if as_json:
        printing.as_json(printing.sync_object(report))
    else:
        printing.sync(home, loaded, report)
    sys.exit({"success": DONE, "dry_run": DONE, "held": HELD}.get(report.outcome, FAILED))


@main.command()
@click.argument("source")
@school_year_option
@as_of_option
@classes_option
@click.option("--session", "sessions", multiple=True, metavar="ID", help="Only items of this academic session.")
@click.option("--requested-by", metavar="WHO", help="Login of the teacher who asked; you, the operator, by default.")
@click.option("--dry-run", is_flag=True, help="List what would be sent, and send nothing.")
@click.option("--nightly", is_flag=True, help="As the nightly export does it, with its filters.")
@json_option
def export_grades(
    source: str,
    *,
    school_year: str | None,
    as_of: date | None,
    classes: tuple[str, ...],
    sessions: tuple[str, ...],
    requested_by: str | None,
    dry_run: bool,
    nightly: bool,
    as_json: bool,
) -> None:
    """Export the grades of SOURCE to its SIS on demand."""
    home, loaded = _load(source, as_json=as_json)
    school_year = _known_school_year(loaded.settings, school_year, as_of)
    from roster_pipeline.grades import printing as grade_printing  # noqa: PLC0415 - only here
    from roster_pipeline.grades.history import run_detail  # noqa: PLC0415

    with errors.status(f"{loaded.settings.name}, {school_year}: exporting grades …"):
        report = _run(
            home,
            source,
            "grade_export" if nightly else "on_demand_export",
            school_year,
            as_of=as_of,
            grades={
                "classes": list(classes),
                "sessions": list(sessions),
                "requested_by": requested_by,
                "dry_run": dry_run,
            },
        )
    with Warehouse(home).transaction(source, school_year) as session:
        detail = run_detail(session, report.run_id)
    if as_json:
        printing.as_json(_object(report, detail or {}))
    else:
        grade_printing.export(loaded.settings.name, report, detail)
    sys.exit(DONE if report.outcome in {"success", "dry_run"} else FAILED)


@main.command()
@click.argument("source")
@school_year_option
@click.option("--run", "run_id", metavar="ID", help="One export in full.")
@click.option("--all", "with_nightly", is_flag=True, help="The nightly exports too.")
@json_option
def export_history(
    source: str, *, school_year: str | None, run_id: str | None, with_nightly: bool, as_json: bool
) -> None:
    """Show who exported grades of SOURCE on demand, when, and with what outcome."""
    home, loaded = _load(source, as_json=as_json)
    school_year = _known_school_year(loaded.settings, school_year)
    from roster_pipeline.grades import printing as grade_printing  # noqa: PLC0415 - only here
    from roster_pipeline.grades.history import history, run_detail  # noqa: PLC0415

    with Warehouse(home).transaction(source, school_year) as session:
        detail = run_detail(session, run_id) if run_id else None
        runs = [] if run_id else history(session, with_nightly=with_nightly)
    if run_id and detail is None:
        raise click.UsageError(f"there is no export {run_id} in {school_year}")
    if as_json:
        printing.as_json(detail or {"exports": runs})
    elif detail:
        grade_printing.run(detail)
    else:
        grade_printing.history(runs)


@main.command()
@click.argument("source")
@school_year_option
@click.option("--class", "classes", multiple=True, required=True, metavar="ID", help="A class, by its id in the SIS.")
@json_option
def sync_categories(source: str, *, school_year: str | None, classes: tuple[str, ...], as_json: bool) -> None:
    """Take the SIS's categories over into the gradebooks of classes."""
    home, loaded = _load(source, as_json=as_json)
    school_year = _known_school_year(loaded.settings, school_year)
    from roster_pipeline.grades import printing as grade_printing  # noqa: PLC0415 - only here

    report = _run(home, source, "sync_categories", school_year, grades={"classes": list(classes)})
    synced = report.counts.get("categories", [])
    if as_json:
        printing.as_json(_object(report, {"categories": synced}))
    elif report.error:
        errors.print(f"[red]{escape(report.error)}[/red]", soft_wrap=True)
    else:
        grade_printing.categories(synced)
    sys.exit(DONE if report.outcome == "success" else FAILED)


@main.command()
@click.argument("source")
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("sourced_id", metavar="ID")
@school_year_option
@json_option
def explain(source: str, kind: str, sourced_id: str, *, school_year: str | None, as_json: bool) -> None:
    """Tell the life of one record of SOURCE, by its id in the SIS."""
    home, loaded = _load(source, as_json=as_json)
    school_year = _known_school_year(loaded.settings, school_year)
    life = explain_record(home, loaded.settings, source, school_year, kind, sourced_id)
    if as_json:
        printing.as_json(life)
    elif life.is_known:
        printing.life(life)
    if not life.is_known:
        errors.print(f"Nothing is known of {kind} {escape(sourced_id)} in {source}, {school_year}.", soft_wrap=True)
        sys.exit(FAILED)


@main.command()
@click.argument("source")
@click.argument("course_name")
@json_option
def audit(source: str, course_name: str, *, as_json: bool) -> None:
    """Find what was delivered of courses of SOURCE whose name holds COURSE_NAME."""
    home, _ = _load(source, as_json=as_json)
    rows = audit_of_courses(home, source, course_name)
    if as_json:
        printing.as_json({"source_id": source, "course_name": course_name, "entries": rows})
    elif rows:
        printing.audit(rows)
    else:
        errors.print("Nothing: the integration has not created such a course.")


@main.command()
@click.argument("source")
@school_year_option
@classes_option
@json_option
def reconcile_grades(source: str, *, school_year: str | None, classes: tuple[str, ...], as_json: bool) -> None:
    """Read the grades of SOURCE back from its SIS and tell what is there otherwise than it was sent."""
    home, loaded = _load(source, as_json=as_json)
    school_year = _known_school_year(loaded.settings, school_year)
    from roster_pipeline.grades import printing as grade_printing  # noqa: PLC0415 - only here

    report = _run(home, source, "reconcile_grades", school_year, grades={"classes": list(classes)})
    found = report.counts.get("reconciled", {})
    if as_json:
        printing.as_json(_object(report, found))
    elif report.error:
        errors.print(f"[red]{escape(report.error)}[/red]", soft_wrap=True)
    else:
        grade_printing.differences(found)
    sys.exit(DONE if report.outcome == "success" else FAILED)


@main.command()
@click.argument("source")
@school_year_option
@json_option
def drift(source: str, *, school_year: str | None, as_json: bool) -> None:
    """Tell what was changed by hand in Brightspace since SOURCE delivered it; nothing is changed."""
    home, loaded = _load(source, as_json=as_json)
    school_year = _known_school_year(loaded.settings, school_year)
    from roster_pipeline.tenant import printing as drift_printing  # noqa: PLC0415 - only here

    with errors.status(f"{loaded.settings.name}, {school_year}: looking at Brightspace …"):
        report = _run(home, source, "drift", school_year)
    found = report.counts.get("drift")
    if found is None:
        if as_json:
            printing.as_json(_object(report, {}))
        else:
            errors.print(f"[red]{escape(report.error or report.outcome)}[/red]", soft_wrap=True)
        sys.exit(FAILED)
    with Warehouse(home).transaction(source, school_year) as session:
        rows = drift_printing.drift_rows(session)
    if as_json:
        printing.as_json(_object(report, {**found, **rows}))
    else:
        drift_printing.drift(loaded.settings.name, school_year, found, rows)
    sys.exit(DONE if report.outcome == "reported" else FAILED)


@main.command()
@click.option("--students", default=2000, show_default=True, help="Size of the made-up district.")
@click.option("--port", default=0, help="Port of the SIS; a free one by default.")
@click.option("--fault", "faults", multiple=True, help="Let the SIS have a fault; --list-faults names them.")
@click.option("--list-faults", is_flag=True, help="Name the faults and end.")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@json_option
def sandbox(
    students: int, port: int, faults: tuple[str, ...], *, list_faults: bool, command: tuple[str, ...], as_json: bool
) -> None:
    """Serve the made-up district until interrupted, or as long as COMMAND runs."""
    from roster_pipeline.sandbox import playground  # noqa: PLC0415 - only here
    from roster_pipeline.sandbox.sis.faults import describe_faults, parse_fault  # noqa: PLC0415

    if list_faults:
        for name, description, parameters in describe_faults():
            click.echo(f"{name}: {description}")
            for parameter, meaning in parameters.items():
                click.echo(f"    {parameter}: {meaning}")
        return
    home = Home.from_environment()
    try:
        chosen = [parse_fault(fault) for fault in faults]
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--fault") from error
    day = today("America/Chicago")
    with playground.playground(home, students=students, today=day, port=port, faults=chosen) as sis:
        if command:
            from roster_pipeline.launch import prepare_instance  # noqa: PLC0415

            prepare_instance(home)
            sys.exit(subprocess.run(command, check=False).returncode)
        addresses = {**playground.environment(sis), "next_day": sis.next_day_url}
        if as_json:
            printing.as_json(addresses)
        else:
            printing.addresses(addresses)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


@main.command()
def demo() -> None:
    """Run two nights of the made-up district over HTTP and tell what happened."""
    from roster_pipeline.sandbox.demo import run_demo  # noqa: PLC0415 - only here

    sys.exit(DONE if run_demo(Home.from_environment()) else FAILED)


def _load(source: str, *, as_json: bool) -> tuple[Home, SourceFile]:
    home = Home.from_environment()
    try:
        return home, load_source(home.sources, source)
    except SettingsError as error:
        if as_json:
            printing.as_json({"error": str(error)})
        errors.print(f"[red]{escape(str(error))}[/red]", soft_wrap=True)
        sys.exit(WRONG)


def _known_school_year(settings: Source, asked: str | None, day: date | None = None) -> str:
    """The school year asked for, or that of the day, today by default."""
    school_year = asked or settings.school_year_of(day or today(settings.timezone))
    known = school_years()
    if school_year not in known:
        raise click.UsageError(f"school year {school_year} is not among {known[0]} to {known[-1]}")
    return school_year


def _run(
    home: Home,
    source: str,
    job: str,
    school_year: str,
    *,
    as_of: date | None = None,
    config: Mapping[str, Any] | None = None,
    grades: Mapping[str, Any] | None = None,
    layers: list[str] | None = None,
) -> "RunReport":
    """Run a job of the source in the operator's name."""
    from roster_pipeline import launch  # noqa: PLC0415 - Dagster takes seconds to load; a wrong option should not

    asked = {"as_of": as_of.isoformat() if as_of else None, "requested_by": getpass.getuser(), **(config or {})}
    return launch.run_job(home, source, job, school_year, config=asked, grades=grades, layers=layers)


def _object(report: "RunReport", content: Mapping[str, Any]) -> dict[str, Any]:
    """How a job ended and what it found, as one JSON object."""
    error = {"error": report.error} if report.error else {}
    return {"run_id": report.run_id, "outcome": report.outcome, **content, **error}

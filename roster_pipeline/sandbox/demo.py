"""`roster demo`: two nights of the sandbox district, over real HTTP, and a table of what happened."""

import time

from rich.markup import escape
from rich.table import Table

from roster_pipeline import launch
from roster_pipeline.grades.history import history
from roster_pipeline.home import Home
from roster_pipeline.launch import RunReport
from roster_pipeline.partitions import school_year_of, today
from roster_pipeline.printing import console, errors
from roster_pipeline.sandbox.brightspace_tenant import Tenant
from roster_pipeline.sandbox.comparison import compare
from roster_pipeline.sandbox.district import District
from roster_pipeline.sandbox.gradebook_files import first_graded_class, write_gradebook
from roster_pipeline.sandbox.ipsis import Ipsis
from roster_pipeline.sandbox.next_day import next_day
from roster_pipeline.sandbox.objects import Enrollment
from roster_pipeline.sandbox.playground import EXAMPLE, GRADED_CLASSES, gradebook_folder, playground, teacher_of
from roster_pipeline.sandbox.sis.faults.writes import PutRefusedForStudent
from roster_pipeline.settings import load_source
from roster_pipeline.warehouse.connection import Warehouse, read_only

STUDENTS = 2000
#: Codes of issues shown at the end, the rarest first.
ISSUES_SHOWN = 3


def run_demo(home: Home) -> bool:
    """Run both nights and print them; returns whether both ended well."""
    with playground(home, students=STUDENTS, today=today("America/Chicago")) as sis:
        settings = load_source(home.sources, EXAMPLE).settings
        brightspace = Ipsis(Tenant())
        school_year = school_year_of(sis.district.today)
        console.print(
            f"[bold]{escape(sis.district.name)}[/bold], a made-up district: its SIS answers at {sis.endpoint_url}",
            soft_wrap=True,
        )
        graded = first_graded_class(sis.district)
        locked = PutRefusedForStudent(student=_pupil_of(sis.district, graded.sourced_id))
        sis.switch_on(locked)
        console.print(f"\n[bold]Night one[/bold] of school year {school_year}: everything is new.")
        first = _night(home, school_year, brightspace)
        if first.outcome != "success":
            return _failed(first)
        console.print("\n[bold]The next day[/bold] at the district:")
        for event in next_day(sis.district):
            console.print(f"  - {escape(event)}")
        write_gradebook(sis.district, gradebook_folder(home), classes=GRADED_CLASSES, edited=True)
        console.print("  - Teachers changed marks, renamed and deleted items, and set new ones.")
        console.print("\n[bold]Night two[/bold]: only that is sent, and the mark that the SIS refused.")
        second = _night(home, school_year, brightspace)
        if second.outcome != "success":
            return _failed(second)
        teacher = teacher_of(sis.district, graded.sourced_id)
        write_gradebook(sis.district, gradebook_folder(home), classes=GRADED_CLASSES)
        console.print(f"\n[bold]In the afternoon[/bold] {teacher.username} corrects marks and exports one class.")
        third = _export_on_demand(home, school_year, graded.sourced_id, teacher.username)
        if third.outcome != "success":
            return _failed(third)
        asked = len(sis.requests)
    console.print()
    console.print(_nights_table({"night one": first, "night two": second}))
    equal = _compare(home, school_year, brightspace)
    _history(home, school_year)
    _bad_rows(home, second)
    console.print(f"\nThe SIS answered {asked} requests. Where to look now:")
    _where_to_look(home, settings.delivery.route, second)
    return equal


def _night(home: Home, school_year: str, brightspace: Ipsis) -> RunReport:
    started = time.monotonic()
    with errors.status("extract, validate, build, compare, deliver …"):
        report = launch.run_job(home, EXAMPLE, "nightly", school_year, config={"requested_by": "demo"})
    console.print(f"  done in {time.monotonic() - started:.1f} s")
    for batch in brightspace.process_folder(home.outbox(EXAMPLE)):
        console.print(f"  Brightspace took {batch.name}: {len(batch.audit):,} changes, {len(batch.errors)} errors")
    return report


def _export_on_demand(home: Home, school_year: str, class_id: str, login: str) -> RunReport:
    with errors.status("read the gradebook, send what is due …"):
        return launch.run_job(
            home,
            EXAMPLE,
            "on_demand_export",
            school_year,
            config={"requested_by": "demo"},
            grades={"classes": [class_id], "requested_by": login},
        )


def _pupil_of(district: District, class_id: str) -> str:
    return next(
        enrollment.user_sourced_id
        for enrollment in district.all(Enrollment).values()
        if enrollment.class_sourced_id == class_id and enrollment.role == "student"
    )


def _history(home: Home, school_year: str) -> None:
    console.print("\nGrades sent back to the SIS, newest first:")
    with Warehouse(home).transaction(EXAMPLE, school_year) as session:
        runs = history(session, with_nightly=True)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("trigger", "who", "status", "courses", "items", "scores", "errors"):
        table.add_column(column)
    for run in runs[:3]:
        courses = run["courses"] or []
        table.add_row(
            run["trigger"],
            escape(run["requested_by"] or "the schedule"),
            run["status"],
            escape(courses[0]) if len(courses) == 1 else f"{len(courses)} courses",
            *(f"{run[key]:,}" for key in ("items", "scores", "errors")),
        )
    console.print(table)


def _failed(report: RunReport) -> bool:
    errors.print(f"[red]The night ended as {report.outcome}: {escape(report.error or str(report.counts))}[/red]")
    return False


def _compare(home: Home, school_year: str, brightspace: Ipsis) -> bool:
    """Whether the simulated Brightspace holds what the warehouse says it should."""
    with Warehouse(home).transaction(EXAMPLE, school_year) as session:
        comparisons = compare(session, brightspace.tenant)
    console.print("\nWhat the simulated Brightspace holds, beside the tables brightspace.*:")
    for comparison in comparisons:
        console.print(f"  - {comparison}", style=None if comparison.is_equal else "red")
    return all(comparison.is_equal for comparison in comparisons)


def _nights_table(nights: dict[str, RunReport]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    for name in nights:
        table.add_column(name, justify="right")
    reports = list(nights.values())
    table.add_row("rows from the SIS", *(f"{sum(r.counts['extracted'].values()):,}" for r in reports))
    table.add_row("rows with a fault", *(f"{r.counts['issues'].get('error', 0):,}" for r in reports))
    for entity in reports[0].counts["delta"]:
        for action in ("create", "update", "delete", "inactivate", "unmap"):
            numbers = [r.counts["delta"][entity].get(action, 0) for r in reports]
            if any(numbers):
                table.add_row(f"{entity.replace('_', ' ')}: {action}", *(f"{number:,}" for number in numbers))
    table.add_row(
        "lines sent to Brightspace", *(f"{sum(r.counts['delivered'].get('rows', {}).values()):,}" for r in reports)
    )
    return table


def _bad_rows(home: Home, report: RunReport) -> None:
    with read_only(Warehouse(home).published_path) as connection:
        rows = connection.execute(
            "SELECT code, count(*) AS times, min(message) AS message FROM sync.issues "
            "WHERE run_id = ? AND severity = 'error' GROUP BY code ORDER BY times, code LIMIT ?",
            [report.run_id, ISSUES_SHOWN],
        ).fetchall()
    console.print("\nRows that cost only themselves, with what to do about them:")
    for code, times, message in rows:
        console.print(f"  - {code} ({times}): {escape(message)}", soft_wrap=True)


def _where_to_look(home: Home, route: str, report: RunReport) -> None:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("tables, with comments", str(Warehouse(home).published_path))
    if route == "outbox":
        table.add_row("bundles for Brightspace", str(home.outbox(EXAMPLE)))
    table.add_row("raw extracts", str(home.raw(EXAMPLE, report.school_year)))
    table.add_row("runs, lineage, plots", "make ui, then http://127.0.0.1:3000")
    table.add_row("a first query", "SELECT * FROM delta.org_units")
    console.print(table)

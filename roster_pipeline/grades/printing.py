"""What the commands about grades print. Courses and items by name; students by their id in the SIS."""

from typing import Any

from rich.markup import escape
from rich.table import Table

from roster_pipeline.printing import console, errors

#: Lines printed of one export; all of them are in grades.export_lines.
LINES_SHOWN = 50


def export(source_name: str, report: Any, detail: dict[str, Any] | None) -> None:
    """What an export did, or would do."""
    console.print(f"[bold]{escape(source_name)}[/bold], {report.school_year}: {report.outcome}")
    if report.error:
        errors.print(f"[red]{escape(report.error)}[/red]", soft_wrap=True)
    if detail:
        run(detail)


def run(detail: dict[str, Any]) -> None:
    """One export in full: course, times, who, students, items, scores, errors."""
    courses = ", ".join(detail["courses"] or []) or "no course"
    console.print(f"{escape(courses)}", soft_wrap=True)
    console.print(
        f"{detail['trigger']} by {escape(detail['requested_by'] or 'the schedule')}, "
        f"{_time(detail['started_at'])} to {_time(detail['ended_at'])}, {detail['status']}; "
        f"nightly export is {'on' if detail['scheduled_export'] else 'off'}"
    )
    console.print(
        f"students {detail['students']:,}, items {detail['items']:,}, scores {detail['scores']:,}, "
        f"errors {detail['errors']:,}, left out {detail['skipped']:,}"
    )
    shown = _table("course", "item", "student", "action", "reason", "outcome", "error")
    for line in detail["lines"][:LINES_SHOWN]:
        keys = ("course_name", "item", "student", "action", "reason", "outcome", "error")
        shown.add_row(*(escape(str(line[key] or "")) for key in keys))
    if detail["lines"]:
        console.print(shown)
    if len(detail["lines"]) > LINES_SHOWN:
        console.print("… and more: see grades.export_lines")


def history(runs: list[dict[str, Any]]) -> None:
    """Exports, newest first."""
    if not runs:
        console.print("No export on demand so far.")
        return
    shown = _table("when", "who", "trigger", "status", "courses", "students", "items", "scores", "errors", "run")
    for each in runs:
        shown.add_row(
            _time(each["started_at"]),
            escape(each["requested_by"] or ""),
            each["trigger"],
            each["status"],
            escape(", ".join(each["courses"] or [])),
            *(f"{each[key]:,}" for key in ("students", "items", "scores", "errors")),
            each["run_id"],
        )
    console.print(shown)


def categories(synced: list[dict[str, Any]]) -> None:
    """What each class's gradebook got."""
    shown = _table("class", "added", "renamed", "there before", "also made by a teacher", "to rename by hand")
    for each in synced:
        shown.add_row(
            escape(each["class_sourced_id"]),
            *(escape(", ".join(each[key])) for key in ("added", "renamed")),
            str(each["present"]),
            *(escape(", ".join(each[key])) for key in ("repeated_names", "to_rename")),
        )
    console.print(shown)


def differences(found: dict[str, Any]) -> None:
    """What the SIS has otherwise than it was sent."""
    console.print(f"{found['read']:,} objects of {found['classes']:,} classes read back")
    if not found["differences"]:
        console.print("All are there as they were sent.")
        return
    shown = _table("kind", "difference", "objects")
    for kind, numbers in found["differences"].items():
        for difference, number in numbers.items():
            shown.add_row(kind, difference, f"{number:,}")
    console.print(shown)
    console.print("Object by object: grades.differences")


def _time(moment: Any) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else "…"


def _table(*columns: str) -> Table:
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        shown.add_column(column, overflow="fold")
    return shown

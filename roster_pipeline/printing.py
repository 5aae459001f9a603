"""What the `roster` command prints, for people and as JSON. Org units by name; people never."""

from collections.abc import Mapping
from typing import Any

import click
import orjson
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from roster_pipeline.explain import Life
from roster_pipeline.home import Home
from roster_pipeline.settings import SourceFile
from roster_pipeline.warehouse.connection import Warehouse, sql_text

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)

#: Rows of each table of a printed delta; the rest is in DuckDB.
NAMES_SHOWN = 20


def as_json(content: Any) -> None:
    """One JSON object on standard output."""
    click.echo(orjson.dumps(content, option=orjson.OPT_INDENT_2))


def sources(home: Home, loaded: list[SourceFile], mistakes: list[str]) -> None:
    """The source systems and what is wrong with the others."""
    if not loaded and not mistakes:
        console.print(f"No source file in {home.sources}. Write one, or set ROSTER_HOME.", soft_wrap=True)
        return
    table = plain_table("source", "name", "profile", "connection", "route", "schedule")
    for source in loaded:
        settings = source.settings
        schedule = f"{settings.schedule.time} {settings.timezone}" if settings.schedule.enabled else "off"
        table.add_row(
            source.source_id,
            escape(settings.name),
            settings.profile,
            settings.connection.kind,
            settings.delivery.route,
            schedule,
        )
    if loaded:
        console.print(table)
    for source in loaded:
        for warning in source.settings.warnings():
            errors.print(f"[yellow]{escape(str(source.path))}: {escape(warning)}[/yellow]", soft_wrap=True)
    for mistake in mistakes:
        errors.print(f"[red]{escape(mistake)}[/red]", soft_wrap=True)


def sync_object(report: Any) -> dict[str, Any]:
    """The JSON object of `roster sync`."""
    counts = report.counts
    return {
        "run_id": report.run_id,
        "school_year": report.school_year,
        "outcome": report.outcome,
        "extracted": counts.get("extracted", {}),
        "issues": counts.get("issues", {}),
        "delta": counts.get("delta", {}),
        "delivered": counts.get("delivered", {}),
        "grades": counts.get("grades", {}),
        **({"held": counts["held"]} if report.outcome == "held" and "held" in counts else {}),
        **({"error": report.error} if report.error else {}),
    }


def sync(home: Home, source: SourceFile, report: Any) -> None:
    """What a sync did, counts first."""
    counts = report.counts
    console.print(f"[bold]{escape(source.settings.name)}[/bold], {report.school_year}: {report.outcome}")
    _counts("extracted", counts.get("extracted", {}))
    _counts("issues", counts.get("issues", {}))
    delta(counts.get("delta", {}))
    if report.outcome == "dry_run":
        proposed(home, source.source_id, report.school_year)
        console.print("Nothing was delivered.")
    delivered = counts.get("delivered", {})
    if delivered.get("bundle"):
        _counts("delivered", delivered["rows"])
        console.print(f"bundle: {escape(delivered['bundle'])}", soft_wrap=True)
    elif report.outcome == "success" and not delivered.get("refused"):
        console.print("Nothing changed, so nothing was sent.")
    if delivered.get("refused"):
        told = f"{delivered['refused']:,} rows would be refused by Brightspace and were left out; see sync.issues"
        errors.print(f"[yellow]{told}[/yellow]", soft_wrap=True)
    if report.outcome == "held":
        errors.print(f"[yellow]Held back: {escape(counts['held']['why'])}[/yellow]", soft_wrap=True)
        groups = plain_table("entity", "where", "action", "reason", "rows")
        for group in counts["held"]["largest_groups"]:
            groups.add_row(*(str(group[key] or "") for key in ("entity", "place", "action", "reason", "rows")))
        console.print(groups)
    elif report.error:
        errors.print(f"[red]{escape(report.error)}[/red]", soft_wrap=True)


def steps(found: list[dict[str, Any]]) -> None:
    """The steps of a connection test."""
    colours = {"passed": "green", "warning": "yellow", "failed": "red", "skipped": "dim"}
    table = plain_table("step", "outcome", "seconds", "detail")
    for step in found:
        colour = colours[step["outcome"]]
        told = escape(step["detail"])
        table.add_row(step["step"], f"[{colour}]{step['outcome']}[/{colour}]", f"{step['seconds']:.2f}", told)
    console.print(table)


def addresses(found: Mapping[str, str]) -> None:
    """The sandbox's addresses and credentials, ready to paste into a shell."""
    console.print("The sandbox runs until you press Ctrl-C. In another shell:\n")
    for name, value in found.items():
        if name.isupper():
            click.echo(f"export {name}={value}")
    console.print(f"\nA day passes at the district with: curl -X POST {found['next_day']}", soft_wrap=True)


def delta(counts: Mapping[str, Mapping[str, int]]) -> None:
    """The delta's rows by entity and action."""
    if not any(counts.values()):
        return
    table = plain_table("delta", "create", "update", "delete", "inactivate", "unmap")
    for entity, actions in counts.items():
        table.add_row(
            entity, *(f"{actions.get(action, 0):,}" for action in ("create", "update", "delete", "inactivate", "unmap"))
        )
    console.print(table)


def proposed(home: Home, source_id: str, school_year: str) -> None:
    """A delta that was not delivered: rows by reason, then the org units by name. No person is named."""
    with Warehouse(home).transaction(source_id, school_year) as session:
        reasons = session.execute(sql_text("delta/reasons"))
        units = session.execute(
            "SELECT action, kind, coalesce(after, before) ->> 'name', reason FROM delta.org_units "
            "WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year') "
            "ORDER BY action, kind, 3 LIMIT $shown",
            {"shown": NAMES_SHOWN + 1},
        )
    if reasons:
        _shortened(["entity", "action", "rows", "why"], [(e, a, f"{n:,}", why) for e, a, why, n in reasons], "delta.*")
    if units:
        _shortened(["action", "kind", "name", "why"], units, "delta.org_units")


def _shortened(columns: list[str], rows: list[tuple[Any, ...]], whole: str) -> None:
    """The first rows as a table, and where the rest is."""
    table = plain_table(*columns)
    for row in rows[:NAMES_SHOWN]:
        table.add_row(*map(escape, map(str, row)))
    console.print(table)
    if len(rows) > NAMES_SHOWN:
        console.print(f"… and more: see {whole}")


def _counts(title: str, counts: Mapping[str, int]) -> None:
    if counts:
        told = ", ".join(f"{name} {number:,}" for name, number in counts.items())
        console.print(f"{title}: {told}")


def plain_table(*columns: str) -> Table:
    """A table without lines."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def life(found: Life) -> None:
    """The life of one record, part by part. It holds a person's own row: for the terminal only."""
    console.print(f"[bold]{found.kind} {escape(found.sourced_id)}[/bold] of {found.source_id}, {found.school_year}")
    for part, rows in found.parts.items():
        if rows:
            console.print(f"\n[bold]{part.replace('_', ' ')}[/bold]")
        for row in rows:
            told = (
                f"{name}: {value if isinstance(value, str) else orjson.dumps(value).decode()}"
                for name, value in row.items()
                if value not in (None, [], {})
            )
            console.print(escape("  " + " · ".join(told)), soft_wrap=True)


def audit(rows: list[dict[str, Any]]) -> None:
    """What was delivered of courses."""
    table = plain_table("at (UTC)", "action", "kind", "rows", "name")
    for row in rows:
        action = row["action"] if row["outcome"] == "delivered" else f"{row['action']} {row['outcome']}"
        table.add_row(f"{row['at']:%Y-%m-%d %H:%M}", action, row["kind"], f"{row['rows']:,}", escape(row["name"]))
    console.print(table)

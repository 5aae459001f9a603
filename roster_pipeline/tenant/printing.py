"""What `roster drift` prints: counts first, then org units by name. People never."""

from typing import Any

from rich.markup import escape

from roster_pipeline.printing import NAMES_SHOWN, console, plain_table
from roster_pipeline.warehouse.connection import Session, sql_text

_WORDS = {
    "missing": "missing in Brightspace",
    "changed": "changed by hand",
    "duplicate_code": "code not unique",
    "enrollment_missing": "enrollment missing",
    "enrollment_role_changed": "role changed by hand",
    "enrollment_unknown": "enrolled by somebody else",
}

Row = dict[str, Any]


def drift_rows(session: Session) -> dict[str, list[Row]]:
    """The latest report of the session's source and school year: counts, and what has the name of an org unit."""
    return {"summary": _rows(session, "drift/summary"), "named": _rows(session, "drift/named")}


def drift(name: str, school_year: str, report: dict[str, Any], rows: dict[str, list[Row]]) -> None:
    """The report, for a person."""
    compared = ", ".join(f"{what.replace('_', ' ')} {number:,}" for what, number in report["compared"].items())
    console.print(f"[bold]{escape(name)}[/bold], {school_year}: Brightspace beside what was delivered")
    console.print(f"looked up: {report['way'].replace('_', ' ')} · compared: {compared}", soft_wrap=True)
    if report["newer"]:
        console.print(f"{report['newer']:,} were delivered after what was read was made, and left out", soft_wrap=True)
    if rows["summary"]:
        table = plain_table("finding", "kind", "field", "rows", "what the next nights do")
        for row in rows["summary"]:
            table.add_row(
                _WORDS[row["finding"]], row["kind"], row["field"] or "", f"{row['rows']:,}", escape(row["next_night"])
            )
        console.print(table)
    else:
        console.print("Nothing differs.")
    if rows["named"]:
        table = plain_table("finding", "kind", "org unit", "field", "delivered", "found", "rows")
        for row in rows["named"][:NAMES_SHOWN]:
            told = (row["name"], row["field"], row["expected"], row["found"])
            unit, field, expected, found = (escape(str(text)) if text is not None else "" for text in told)
            table.add_row(_WORDS[row["finding"]], row["kind"], unit, field, expected, found, f"{row['rows']:,}")
        console.print()
        console.print(table)
        if len(rows["named"]) > NAMES_SHOWN:
            console.print(f"… and {len(rows['named']) - NAMES_SHOWN:,} more: see sync.drift")
    console.print("\nNot compared:")
    for sentence in report["not_seen"]:
        console.print(f"- {escape(sentence)}", soft_wrap=True)


def _rows(session: Session, name: str) -> list[Row]:
    cursor = session.connection.execute(sql_text(name))
    columns = [column[0] for column in cursor.description or []]
    return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]

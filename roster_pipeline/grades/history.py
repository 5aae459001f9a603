"""What was exported, by whom and when. Exports on demand and those of the night are kept apart."""

from typing import Any

from roster_pipeline.warehouse.connection import Session, sql_text


def history(session: Session, *, with_nightly: bool = False) -> list[dict[str, Any]]:
    """The exports of the session's source and school year, newest first; those on demand unless told otherwise."""
    session.set_variables(only_run=None, with_nightly=with_nightly)
    return _rows(session, sql_text("grades/history"))


def run_detail(session: Session, run_id: str) -> dict[str, Any] | None:
    """One export with `lines`, object by object, those left out among them with their reason."""
    session.set_variables(only_run=run_id, with_nightly=True)
    found = _rows(session, sql_text("grades/history"))
    if not found:
        return None
    lines = _rows(
        session,
        'SELECT kind, course_name, class_sourced_id, item, student, score, action, reason, outcome, error, "at" '
        "FROM grades.export_lines WHERE source_id = getvariable('source_id') "
        "AND school_year = getvariable('school_year') AND run_id = getvariable('only_run') "
        "ORDER BY course_name, item, kind, student",
    )
    return {**found[0], "lines": lines}


def _rows(session: Session, query: str) -> list[dict[str, Any]]:
    cursor = session.connection.execute(query)
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

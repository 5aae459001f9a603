"""Reads line items and results back from the SIS and tells what is there otherwise than the ledger says."""

import os
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson

from roster_pipeline.grades.scope import ExportRefusedError, policy_of
from roster_pipeline.home import Home, private_folder
from roster_pipeline.oneroster.gradebook_client import GradebookClient
from roster_pipeline.settings import Source
from roster_pipeline.settings.connection import Rest
from roster_pipeline.warehouse.connection import Session, Warehouse, sql_text
from roster_pipeline.warehouse.literal import literal
from roster_pipeline.warehouse.settings_tables import apply_settings


@dataclass(frozen=True)
class Reconciled:
    """What a reconciliation found."""

    classes: int
    read: int
    """Objects read back."""
    differences: dict[str, dict[str, int]]
    """By kind and difference; the rows are in `grades.differences`."""


def reconcile(
    warehouse: Warehouse,
    home: Home,
    source_id: str,
    school_year: str,
    settings: Source,
    classes: Iterable[str] = (),
) -> Reconciled:
    """Compare the SIS with the ledger, for some classes or for all that ever got a grade in the school year.

    Changes nothing in the SIS and nothing in the ledger. Raises ExportRefusedError, RestError.
    """
    connection = settings.connection
    if not isinstance(connection, Rest):
        raise ExportRefusedError("no_rest", "grades are read back over OneRoster REST; set connection.kind: rest")
    with warehouse.transaction(source_id, school_year) as session:
        known = [
            class_id
            for (class_id,) in session.execute(
                "SELECT DISTINCT class_sourced_id FROM grades.export_ledger SEMI JOIN roster.classes AS class "
                "ON class_sourced_id = class.sourced_id AND class.source_id = getvariable('source_id') "
                "AND class.school_year = getvariable('school_year') "
                "WHERE source_id = getvariable('source_id') ORDER BY 1"
            )
        ]
    wanted = list(dict.fromkeys(classes)) or known
    folder = private_folder(home.root / "exports" / "read_back" / source_id)
    for stale in folder.iterdir():
        stale.unlink()  # of a run that was killed
    descriptor, name = tempfile.mkstemp(dir=folder, suffix=".jsonl")
    path = Path(name)
    try:
        # Marks are in it: it is private, and gone when the comparison is done.
        with os.fdopen(descriptor, "wb") as file, GradebookClient(connection, deletes=False) as client:

            def read(class_id: str) -> list[bytes]:
                rows = [("line_item", row) for row in client.line_items_of_class(class_id)]
                rows += [("result", row) for row in client.results_of_class(class_id)]
                return [
                    orjson.dumps(
                        {"kind": kind, "class_sourced_id": class_id, "document": row}, option=orjson.OPT_APPEND_NEWLINE
                    )
                    for kind, row in rows
                ]

            number = 0
            with ThreadPoolExecutor(connection.concurrency) as pool:
                for lines in pool.map(read, wanted):
                    file.writelines(lines)
                    number += len(lines)
        with warehouse.transaction(source_id, school_year) as session:
            differences = _compare(session, settings, path, wanted)
    finally:
        path.unlink()
    return Reconciled(len(wanted), number, differences)


def _compare(session: Session, settings: Source, path: Path, classes: list[str]) -> dict[str, dict[str, int]]:
    apply_settings(session, settings)
    session.run_file("grades/macros")
    session.set_variables(
        read_classes=classes,
        found_at=datetime.now(UTC).replace(tzinfo=None),
        policy_resends_category=policy_of(settings).resends_category,
    )
    columns = "{'kind': 'VARCHAR', 'class_sourced_id': 'VARCHAR', 'document': 'JSON'}"
    session.execute(
        "CREATE OR REPLACE TEMP VIEW there AS "
        f"FROM read_json({literal(path)}, format = 'newline_delimited', columns = {columns})"
    )
    session.execute(
        "DELETE FROM grades.differences WHERE source_id = getvariable('source_id') "
        "AND school_year = getvariable('school_year')"
    )
    session.execute(
        "INSERT INTO grades.differences SELECT getvariable('source_id'), getvariable('school_year'), * "
        f"FROM ({sql_text('grades/differences')})"
    )
    counts: dict[str, dict[str, int]] = {}
    for kind, difference, number in session.execute(
        "SELECT kind, difference, count(*) FROM grades.differences WHERE source_id = getvariable('source_id') "
        "AND school_year = getvariable('school_year') GROUP BY 1, 2 ORDER BY 1, 2"
    ):
        counts.setdefault(kind, {})[difference] = number
    return counts

"""Outcomes of writes, on disk the moment they are known, and folded into the ledger in bounded batches.

A run that is killed leaves its plan and its journal behind; the next run folds what is there before it plans anew,
so that a write whose answer came is never forgotten. Folding the same outcome twice changes nothing.
"""

import os
import shutil
import threading
from datetime import UTC, datetime
from pathlib import Path

import orjson

from roster_pipeline.home import PRIVATE_FILE, private_folder
from roster_pipeline.warehouse.connection import Session, Warehouse
from roster_pipeline.warehouse.literal import literal

PLAN = "plan.parquet"
#: Outcomes in one fold, which takes some seconds whatever their number. Until then they are safe in the journal.
BATCH = 100_000


class Journal:
    """The folder of one export: its plan, and outcomes not yet folded."""

    def __init__(self, folder: Path, warehouse: Warehouse, source_id: str, school_year: str, run_id: str) -> None:
        self.folder = private_folder(folder)
        self._warehouse = warehouse
        self.source_id = source_id
        self.school_year = school_year
        self._run_id = run_id
        self._lock = threading.Lock()
        self._folding = threading.Lock()
        self._segment = 0
        self._lines = 0
        self._descriptor: int | None = None

    @property
    def plan(self) -> Path:
        return self.folder / PLAN

    def add(self, kind: str, local_id: str, outcome: str, error: str | None) -> None:
        """Note an outcome. It survives the end of the process, however that ends."""
        line = orjson.dumps(
            {
                "kind": kind,
                "local_id": local_id,
                "outcome": outcome,
                "error": error,
                "at": datetime.now(UTC).replace(tzinfo=None).isoformat(),
            },
            option=orjson.OPT_APPEND_NEWLINE,
        )
        full = False
        with self._lock:
            if self._descriptor is None:
                self._segment += 1
                path = self.folder / f"outcomes-{self._segment:06d}.jsonl"
                self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE_FILE)
            os.write(self._descriptor, line)
            self._lines += 1
            if self._lines >= BATCH:
                self._close_segment()
                full = True
        # One folds while the others go on writing; what gathers meanwhile is folded by the next.
        if full and self._folding.acquire(blocking=False):
            try:
                self._fold(all_segments=False)
            finally:
                self._folding.release()

    def settle(self) -> None:
        """Fold everything that is there."""
        with self._lock:
            self._close_segment()
        with self._folding:
            self._fold(all_segments=True)

    def settle_interrupted(self) -> None:
        """Fold everything that is there, of an export that ended without having noted all it did.

        Which of the other writes reached the SIS nobody knows, and so it is put on record.
        """
        self.settle()
        with self._warehouse.transaction(self.source_id, self.school_year) as session:
            _view_unsettled(session, self._run_id, self.plan)
            session.set_variables(settled_at=datetime.now(UTC).replace(tzinfo=None))
            session.run_file("grades/doubt")

    def remove(self) -> None:
        """Remove plan and folder of an export that has come to its end."""
        shutil.rmtree(self.folder)

    def _close_segment(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor, self._lines = None, 0

    def _fold(self, *, all_segments: bool) -> None:
        segments = sorted(self.folder.glob("outcomes-*.jsonl"))
        with self._lock:
            is_open = self._descriptor is not None
        if is_open and not all_segments:
            segments = segments[:-1]
        for segment in segments:
            _drop_torn_line(segment)
            if segment.stat().st_size:
                with self._warehouse.transaction(self.source_id, self.school_year) as session:
                    fold_segment(session, self._run_id, self.plan, segment)
            segment.unlink()


def fold_segment(session: Session, run_id: str, plan: Path, segment: Path) -> None:
    """Bring the outcomes of one file into `grades.export_ledger` and `grades.export_lines`."""
    _view_unsettled(session, run_id, plan)
    text = ("kind", "local_id", "outcome", "error")
    columns = "{" + ", ".join(f"'{name}': 'VARCHAR'" for name in text) + ", 'at': 'TIMESTAMP'}"
    session.execute(
        "CREATE OR REPLACE TEMP VIEW export_outcomes AS "
        f"FROM read_json({literal(segment)}, format = 'newline_delimited', columns = {columns})"
    )
    session.run_file("grades/record")


def _view_unsettled(session: Session, run_id: str, plan: Path) -> None:
    session.set_variables(run_id=run_id)
    session.execute(
        f"CREATE OR REPLACE TEMP VIEW planned AS SELECT * EXCLUDE (body) FROM read_parquet({literal(plan)})"
    )
    session.run_file("grades/unsettled")


def _drop_torn_line(path: Path) -> None:
    """A process that is killed while it writes may leave half a line."""
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < len(content):
        os.truncate(path, len(whole))

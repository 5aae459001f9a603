"""Runs the flow for a test, step by step and without Dagster, and looks at what came out."""

import csv
import io
import json
import uuid
import zipfile
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import yaml

from roster_pipeline.delivery.guard import Verdict, judge
from roster_pipeline.delivery.routes import deliver as deliver_delta
from roster_pipeline.delivery.routes import settle
from roster_pipeline.home import Home
from roster_pipeline.oneroster.connect import extractor_for
from roster_pipeline.oneroster.snapshot import latest_snapshot, take_snapshot
from roster_pipeline.settings import Source, load_source
from roster_pipeline.tenant.connect import existing_for_linking
from roster_pipeline.warehouse.connection import Session, Warehouse
from roster_pipeline.warehouse.delta import DeltaCounts, build_delta
from roster_pipeline.warehouse.hierarchy import build_hierarchy
from roster_pipeline.warehouse.roster import build_roster
from roster_pipeline_tests.roster_files import RosterFiles

SOURCE = "maple"
YEAR = "2026-2027"
DAY = date(2026, 11, 23)

Row = dict[str, Any]


@dataclass(frozen=True)
class Night:
    """What one night did."""

    run_id: str
    delta: DeltaCounts
    verdict: Verdict
    bundle: Path | None

    def lines(self, file: str) -> list[dict[str, str]]:
        """The lines of a file of the bundle, `Users` for instance; none where the file is not in it."""
        if self.bundle is None:
            return []
        with zipfile.ZipFile(self.bundle) as archive:
            for name in archive.namelist():
                if f" - {file} - " in name:
                    return list(csv.DictReader(io.StringIO(archive.read(name).decode("utf-8"))))
        return []


class Pipeline:
    """One district's pipeline in a folder of its own, fed with CSV files."""

    def __init__(self, folder: Path, settings: dict[str, Any] | None = None, source_id: str = SOURCE) -> None:
        self.source_id = source_id
        self.home = Home(folder)
        self.warehouse = Warehouse(self.home)
        self.home.sources.mkdir(parents=True, exist_ok=True)
        self.configure(**(settings or {}))

    def configure(self, **settings: Any) -> None:
        """Write the source file anew, with these settings beside the needed ones."""
        content = {
            "name": f"{self.source_id.title()} USD",
            "profile": "skyward",
            "connection": {"kind": "folder", "path": "feed"},
        }
        (self.home.sources / f"{self.source_id}.yaml").write_text(yaml.safe_dump({**content, **settings}), "utf-8")

    @property
    def settings(self) -> Source:
        return load_source(self.home.sources, self.source_id).settings

    def night(
        self,
        files: RosterFiles | None = None,
        *,
        school_year: str = YEAR,
        as_of: date = DAY,
        deliver: bool = True,
        accept: bool = False,
    ) -> Night:
        """Extract `files` (or what was written before), build everything, and deliver unless the guard objects."""
        if files is not None:
            files.write(self.home.root / "feed")
        run_id = f"run-{uuid.uuid4()}"
        settings = self.settings
        raw = self.home.raw(self.source_id, school_year)
        previous = latest_snapshot(raw)
        extractor = extractor_for(settings.connection, self.home.root, previous.folder if previous else None)
        snapshot = take_snapshot(raw, lambda folder: extractor.extract(folder, lambda *_: None), settings.retention)
        settle(self.warehouse, self.home, self.source_id, settings)
        with self.warehouse.transaction(self.source_id, school_year, begins=False) as session:
            build_roster(session, snapshot, settings, run_id)
            build_hierarchy(session, settings, as_of, run_id)
        with (
            existing_for_linking(self.warehouse, self.home, self.source_id, school_year, settings) as existing,
            self.warehouse.transaction(self.source_id, school_year, begins=False) as session,
        ):
            counts = build_delta(session, settings, as_of, run_id, existing)
            verdict = judge(session, settings.safety)
        bundle = None
        if deliver and (verdict.passes or accept):
            delivered = deliver_delta(self.warehouse, self.home, self.source_id, school_year, settings, run_id)
            bundle = Path(delivered.bundle) if delivered.bundle else None
            with self.warehouse.transaction(self.source_id, school_year) as session:
                _record(session, run_id, verdict)
        return Night(run_id, counts, verdict, bundle)

    def rows(self, table: str, where: str = "true", school_year: str | None = YEAR, **parameters: Any) -> list[Row]:
        """Rows of a table of the warehouse as dictionaries, JSON columns read."""
        with self.warehouse.transaction(self.source_id, school_year or YEAR) as session:
            by_year = school_year is not None and table != "sync.mappings"
            year = " AND school_year = getvariable('school_year')" if by_year else ""
            cursor = session.connection.execute(
                f"SELECT * FROM {table} WHERE source_id = getvariable('source_id'){year} AND ({where}) ORDER BY ALL",
                parameters,
            )
            columns = [(column[0], str(column[1])) for column in cursor.description or []]
            return [
                {
                    name: json.loads(value) if type_ == "JSON" and value is not None else value
                    for (name, type_), value in zip(columns, row, strict=True)
                }
                for row in cursor.fetchall()
            ]

    def row(self, table: str, where: str, **parameters: Any) -> Row:
        """The one row of a table that answers the condition."""
        (row,) = self.rows(table, where, **parameters)
        return row

    def unit(self, key: str) -> Row:
        """An org unit as it should be."""
        return self.row("brightspace.org_units", "org_unit_key = $key", key=key)

    def parents(self, key: str) -> set[str]:
        """The keys of the org units above one."""
        return {row["parent_key"] for row in self.rows("brightspace.org_unit_parents", "org_unit_key = $key", key=key)}

    def enrolled(self, user: str) -> dict[str, str]:
        """Where a user should be enrolled: role by org unit key."""
        rows = self.rows("brightspace.enrollments", "user_sourced_id = $user", user=user)
        return {row["org_unit_key"]: row["role"] for row in rows}

    def issues(self, night: Night, code: str | None = None) -> list[Row]:
        """What a night complained of."""
        rows = self.rows("sync.issues", "run_id = $run_id", run_id=night.run_id)
        return [row for row in rows if code in (None, row["code"])]

    def mappings(self, kind: str) -> dict[str, Row]:
        """What is managed of a kind, by identity."""
        return {row["sourced_id"]: row for row in self.rows("sync.mappings", "kind = $kind", kind=kind)}


def _record(session: Session, run_id: str, verdict: Verdict) -> None:
    now = datetime.now(UTC).replace(tzinfo=None)
    session.execute(
        "INSERT INTO sync.runs (source_id, school_year, run_id, trigger, started_at, ended_at, status, counts) VALUES "
        "(getvariable('source_id'), getvariable('school_year'), $run_id, 'on_demand', $now, $now, 'success', $counts)",
        {"run_id": run_id, "now": now, "counts": json.dumps({"vanished_schools": verdict.vanished_schools})},
    )

"""Layer grades, first half: the gradebooks as read, and which of their rows may go to the SIS."""

from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager

import dagster as dg
from pydantic import Field

from roster_pipeline.assets.layer import Metadata, Result, markdown_table, table_spec, told_plainly
from roster_pipeline.assets.run import SyncRun
from roster_pipeline.grades.build import build_gradebook
from roster_pipeline.grades.categories import list_for_export
from roster_pipeline.grades.connect import read_gradebook
from roster_pipeline.grades.export import fail_run, open_run, queue_run
from roster_pipeline.grades.scope import ExportRequest, Trigger, other_year
from roster_pipeline.home import Home
from roster_pipeline.oneroster.resources import ROSTER_RESOURCES
from roster_pipeline.settings import Source
from roster_pipeline.warehouse.connection import Warehouse

TABLES = ("categories", "items", "scores")
ON_DEMAND = "on_demand_export"

#: What Dagster calls a run of assets that belong to no job of ours: materialized by hand, or backfilled.
IMPLICIT_JOB = "__ASSET_JOB"


class GradeRun(dg.ConfigurableResource["GradeRun"]):
    """What a person may say about an export of grades."""

    classes: list[str] = Field(default_factory=list, description="sourcedIds of the classes to export; empty for all")
    sessions: list[str] = Field(default_factory=list, description="sourcedIds of the academic sessions; empty for all")
    requested_by: str | None = Field(
        None,
        description="Login of the teacher who asked; must be among grade_export.allowed_users. Empty: the operator",
    )
    dry_run: bool = Field(False, description="Work out what would be sent, put it on record, and send nothing")

    def request(self, sync_run: SyncRun, settings: Source, job_name: str) -> ExportRequest:
        """The export that this run is."""
        return ExportRequest(
            sync_run.run_id,
            sync_run.day(settings),
            trigger=trigger_of(job_name),
            requested_by=self.requested_by or sync_run.requested_by,
            by_operator=self.requested_by is None,
            classes=tuple(self.classes),
            sessions=tuple(self.sessions),
            dry_run=self.dry_run,
        )

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Generator["GradeRun"]:
        """Put an export on demand on record while it waits for the runs before it."""
        run = context.run
        if run is not None and run.job_name.endswith(f"__{ON_DEMAND}"):
            queue_run(
                Warehouse(Home.from_environment()),
                run.job_name.removesuffix(f"__{ON_DEMAND}"),
                run.tags.get("dagster/partition", ""),
                run.run_id,
                self.requested_by,
            )
        yield self


def trigger_of(job_name: str) -> Trigger:
    """Whether a job exports on somebody's word or as part of the night."""
    return "on_demand" if job_name.endswith(f"__{ON_DEMAND}") else "nightly"


def why_left_out(sync_run: SyncRun, settings: Source, run: dg.DagsterRun, school_year: str) -> str | None:
    """Why grades are none of this run's business, which is about the roster too; None where they are.

    A job of exports alone refuses instead, saying so.
    """
    if run.job_name.startswith(IMPLICIT_JOB) and not settings.grade_export.enabled:
        return "grade_export.enabled is false; nothing was read or sent"
    if run.job_name.startswith(IMPLICIT_JOB) or run.job_name.endswith("__nightly"):
        return other_year(settings, school_year, sync_run.day(settings))
    return None


def left_out(sync_run: SyncRun, source_id: str, school_year: str, tables: Iterable[str], why: str) -> Iterator[Result]:
    """The results of tables that a run leaves as they are."""
    with sync_run.warehouse.transaction(source_id, school_year) as session:
        sync_run.note(session, grades={"left_out": why})
    for table in tables:
        yield dg.MaterializeResult(asset_key=dg.AssetKey([source_id, "grades", table]), metadata={"left_out": why})


@contextmanager
def failing_the_run(sync_run: SyncRun, source_id: str, school_year: str) -> Generator[None]:
    """Trouble is told plainly, and makes the whole run a failed one."""
    with told_plainly():
        try:
            yield
        except Exception:
            # The roster's part of a night was a success and is on record as such; the night was not.
            sync_run.conclude(source_id, school_year, "failed")
            raise


def build_gradebook_assets(source_id: str) -> dg.AssetsDefinition:
    """The gradebook tables of a source."""
    upstream = [*(("roster", resource.table) for resource in ROSTER_RESOURCES), ("warehouse", "roster")]

    @dg.multi_asset(
        name=f"{source_id}__gradebook",
        specs=[table_spec(source_id, "grades", table, upstream, "duckdb") for table in TABLES],
    )
    def gradebook(context: dg.AssetExecutionContext, sync_run: SyncRun, grade_run: GradeRun) -> Iterator[Result]:
        home, warehouse, year = sync_run.home, sync_run.warehouse, context.partition_key
        with failing_the_run(sync_run, source_id, year):
            settings = sync_run.settings(source_id)
            if why := why_left_out(sync_run, settings, context.run, year):
                yield from left_out(sync_run, source_id, year, TABLES, why)
                return
            request = grade_run.request(sync_run, settings, context.run.job_name)
            open_run(warehouse, source_id, year, settings, request)
            with fail_run(warehouse, source_id, year, request):
                reading = read_gradebook(warehouse, home, source_id, year, settings)
                list_for_export(warehouse, source_id, year, settings, reading)
                with warehouse.transaction(source_id, year) as session:
                    counts = build_gradebook(session, reading, settings, request)
        for table in TABLES:
            metadata: Metadata = {"dagster/partition_row_count": counts.rows[table]}
            if table in counts.not_eligible:
                reasons = counts.not_eligible[table]
                metadata["not_eligible"] = sum(reasons.values())
                metadata["reasons"] = markdown_table(["reason", "rows"], reasons.items())
            yield dg.MaterializeResult(asset_key=dg.AssetKey([source_id, "grades", table]), metadata=metadata)

    return gradebook

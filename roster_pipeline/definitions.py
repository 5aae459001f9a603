"""The one Definitions: for each source system its assets, checks, jobs, schedule and sensor."""

import logging

import dagster as dg

from roster_pipeline.assets.arrival import build_arrival_sensor
from roster_pipeline.assets.category_sync import build_category_sync
from roster_pipeline.assets.connection_test import build_connection_test
from roster_pipeline.assets.delivery import build_delivery, build_published
from roster_pipeline.assets.delta import build_delta_assets
from roster_pipeline.assets.drift import DRIFT, build_drift
from roster_pipeline.assets.grade_export import build_grade_export
from roster_pipeline.assets.grade_reconciliation import build_grade_reconciliation
from roster_pipeline.assets.gradebook import ON_DEMAND, GradeRun, build_gradebook_assets
from roster_pipeline.assets.hierarchy import build_hierarchy_assets
from roster_pipeline.assets.raw import build_raw
from roster_pipeline.assets.roster import build_roster_assets
from roster_pipeline.assets.run import SyncRun, end_dead_runs
from roster_pipeline.home import Home
from roster_pipeline.settings import SourceFile, load_sources

logger = logging.getLogger(__name__)


def build_source(source: SourceFile) -> dg.Definitions:
    """Everything of one source system."""
    source_id, settings = source.source_id, source.settings
    is_rest = settings.connection.kind == "rest"
    export = settings.grade_export
    assets = [
        build_raw(source_id, settings.connection.kind),
        build_roster_assets(source_id),
        build_hierarchy_assets(source_id),
        build_delta_assets(source_id),
        build_delivery(source_id),
        build_published(source_id),
    ]
    grades = [build_gradebook_assets(source_id), build_grade_export(source_id)]
    drift = build_drift(source_id)
    tags = {"source": source_id}
    roster_sync = dg.define_asset_job(
        f"{source_id}__roster_sync",
        selection=dg.AssetSelection.assets(*assets),
        description=f"{settings.name}: the roster from the SIS to Brightspace",
        tags=tags,
    )
    nightly = dg.define_asset_job(
        f"{source_id}__nightly",
        selection=dg.AssetSelection.assets(*assets, *(grades if export.enabled and export.daily else [])),
        description=f"{settings.name}: the night's work, roster first",
        tags=tags,
    )
    grade_export = dg.define_asset_job(
        f"{source_id}__grade_export",
        selection=dg.AssetSelection.assets(*grades),
        description=f"{settings.name}: grades to the SIS as every night, now",
        tags=tags,
    )
    on_demand_export = dg.define_asset_job(
        f"{source_id}__{ON_DEMAND}",
        selection=dg.AssetSelection.assets(*grades),
        description=f"{settings.name}: grades to the SIS because a person wants it, of all classes or of some",
        tags=tags,
    )
    return dg.Definitions(
        assets=[*assets, *grades, drift],
        jobs=[
            nightly,
            roster_sync,
            grade_export,
            on_demand_export,
            build_connection_test(source_id, settings.name),
            build_category_sync(source_id, settings.name),
            build_grade_reconciliation(source_id, settings.name),
            dg.define_asset_job(
                f"{source_id}__{DRIFT}",
                selection=dg.AssetSelection.assets(drift),
                description=f"{settings.name}: what was changed by hand in Brightspace since it was delivered",
                tags=tags,
            ),
        ],
        schedules=[_schedule(source)] if is_rest else [],
        sensors=[] if is_rest else [build_arrival_sensor(source_id, settings)],
    )


def _schedule(source: SourceFile) -> dg.ScheduleDefinition:
    settings = source.settings
    clock = settings.schedule.clock

    @dg.schedule(
        name=f"{source.source_id}__nightly",
        job_name=f"{source.source_id}__nightly",
        cron_schedule=f"{clock.minute} {clock.hour} * * *",
        execution_timezone=settings.timezone,
        description=f"Every day at {settings.schedule.time} {settings.timezone}, for the school year of the day",
        default_status=(
            dg.DefaultScheduleStatus.RUNNING if settings.schedule.enabled else dg.DefaultScheduleStatus.STOPPED
        ),
    )
    def nightly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        end_dead_runs(Home.from_environment(), source.source_id, context.instance)
        day = context.scheduled_execution_time.date()
        return dg.RunRequest(run_key=day.isoformat(), partition_key=settings.school_year_of(day))

    return nightly


def build_definitions(home: Home) -> dg.Definitions:
    """The definitions of every usable source file; an unusable one is told of and left out."""
    sources, mistakes = load_sources(home.sources, need_environment=False)
    for mistake in mistakes:
        logger.error("%s", mistake)
    return dg.Definitions.merge(
        *(build_source(source) for source in sources),
        dg.Definitions(
            resources={"sync_run": SyncRun.configure_at_launch(), "grade_run": GradeRun.configure_at_launch()},
            # A process a step would cost seconds each; runs side by side are where the parallelism is.
            executor=dg.in_process_executor,
        ),
    )


defs = build_definitions(Home.from_environment())

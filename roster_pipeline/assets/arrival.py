"""The sensor of a source whose files arrive: a run for each new package, tried again when it failed."""

import dagster as dg

from roster_pipeline.assets.layer import told_plainly
from roster_pipeline.assets.run import end_dead_runs
from roster_pipeline.home import Home
from roster_pipeline.partitions import today
from roster_pipeline.settings import Source, load_source
from roster_pipeline.settings.connection import Folder, Sftp

#: Seconds between two looks; a listing costs the server little.
INTERVAL = 600
#: Runs that one package gets at most. A broken package fails every time, a broken line only sometimes.
TRIES = 3
PACKAGE_TAG = "package"


def build_arrival_sensor(source_id: str, settings: Source) -> dg.SensorDefinition:
    """The sensor `<source_id>__new_package` of a CSV source."""
    job = f"{source_id}__nightly"

    @dg.sensor(
        name=f"{source_id}__new_package",
        job_name=job,
        minimum_interval_seconds=INTERVAL,
        description=f"{settings.name}: a new OneRoster package starts the night's work",
        default_status=(
            dg.DefaultSensorStatus.RUNNING if settings.schedule.enabled else dg.DefaultSensorStatus.STOPPED
        ),
    )
    def new_package(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        home = Home.from_environment()
        with told_plainly():
            now = load_source(home.sources, source_id).settings
            package = newest_package(now, home)
        if package is None:
            return dg.SkipReason("There is no package yet")
        end_dead_runs(home, source_id, context.instance)
        runs = context.instance.get_runs(dg.RunsFilter(job_name=job, tags={PACKAGE_TAG: package}), limit=TRIES)
        if any(run.status != dg.DagsterRunStatus.FAILURE for run in runs):
            return dg.SkipReason(f"{package} was taken in, or is being")
        if len(runs) == TRIES:
            return dg.SkipReason(f"{package} failed {TRIES} times; correct the cause and run {job} by hand")
        return dg.RunRequest(
            run_key=f"{package}#{len(runs)}",
            partition_key=now.school_year_of(today(now.timezone)),
            tags={PACKAGE_TAG: package},
        )

    return new_package


def newest_package(settings: Source, home: Home) -> str | None:
    """What tells the newest package of a CSV source from the one before; None where there is none.

    Raises ExtractError when the server cannot be asked.
    """
    match settings.connection:
        case Sftp() as connection:
            from roster_pipeline.oneroster.sftp import SftpSource  # noqa: PLC0415 - SSH takes long to load

            bundles = SftpSource(connection).list_bundles()
            return (
                f"{bundles[-1].name} {bundles[-1].modified:%Y-%m-%dT%H:%M:%S} {bundles[-1].size}" if bundles else None
            )
        case Folder(path=path):
            place = home.root / path
            files = [place] if place.is_file() else sorted(place.glob("*.csv"))
            states = [file.stat() for file in files]
            return f"{max(s.st_mtime_ns for s in states)} {sum(s.st_size for s in states)}" if states else None
        case _:
            return None

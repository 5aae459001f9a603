"""Layer raw: what the SIS sent, resource by resource, as an immutable Parquet snapshot."""

import time
from collections.abc import Iterator

import dagster as dg

from roster_pipeline.assets.layer import OWNERS, SCHOOL_YEARS, Result, told_plainly
from roster_pipeline.assets.run import SyncRun
from roster_pipeline.oneroster.connect import extractor_for
from roster_pipeline.oneroster.extract import Progress
from roster_pipeline.oneroster.resources import ROSTER_RESOURCES
from roster_pipeline.oneroster.snapshot import snapshots, take_snapshot

#: Seconds between two lines of progress in the log.
PROGRESS_INTERVAL = 5.0


def build_raw(source_id: str, kind: str) -> dg.AssetsDefinition:
    """The six raw resources of a source: they come together or not at all."""

    @dg.multi_asset(
        name=f"{source_id}__raw",
        specs=[
            dg.AssetSpec(
                dg.AssetKey([source_id, "raw", resource.table]),
                group_name=source_id,
                description=f"OneRoster {resource.name} exactly as the SIS sent them",
                owners=OWNERS,
                kinds={"parquet", "oneroster"},
                tags={"connection": kind},
            )
            for resource in ROSTER_RESOURCES
        ],
        partitions_def=SCHOOL_YEARS,
    )
    def raw(context: dg.AssetExecutionContext, sync_run: SyncRun) -> Iterator[Result]:
        started = time.monotonic()
        with told_plainly():
            settings = sync_run.settings(source_id)
            folder = sync_run.home.raw(source_id, context.partition_key)
            kept = snapshots(folder)
            extractor = extractor_for(
                settings.connection,
                sync_run.home.root,
                kept[-1].folder if kept else None,
                {snapshot.package_hash for snapshot in kept if snapshot.package_hash},
            )
            snapshot = take_snapshot(
                folder,
                lambda destination: extractor.extract(destination, _progress(context)),
                settings.retention,
            )
        duration = time.monotonic() - started
        with sync_run.warehouse.transaction(source_id, context.partition_key) as session:
            sync_run.note(
                session,
                extracted={resource.table: snapshot.resources[resource.name].rows for resource in ROSTER_RESOURCES},
            )
        for resource in ROSTER_RESOURCES:
            extracted = snapshot.resources[resource.name]
            yield dg.MaterializeResult(
                asset_key=dg.AssetKey([source_id, "raw", resource.table]),
                metadata={
                    "dagster/partition_row_count": extracted.rows,
                    "dagster/uri": str(extracted.path),
                    "mode": extracted.mode,
                    "extract_seconds": duration,
                    "findings": sum(finding.kind == resource.singular for finding in snapshot.findings),
                },
                data_version=dg.DataVersion(snapshot.name),
            )

    return raw


def _progress(context: dg.AssetExecutionContext) -> Progress:
    """Lines in the run's log, not more than one every few seconds for a resource."""
    last: dict[str, float] = {}

    def report(resource: str, rows: int, total: int | None) -> None:
        now = time.monotonic()
        if now - last.get(resource, 0.0) >= PROGRESS_INTERVAL:
            last[resource] = now
            context.log.info("%s: %s rows of %s", resource, f"{rows:,}", f"{total:,}" if total else "as many as come")

    return report

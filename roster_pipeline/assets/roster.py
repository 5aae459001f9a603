"""Layer roster: the raw snapshot as typed, validated OneRoster tables."""

from collections.abc import Iterator

import dagster as dg

from roster_pipeline.assets.layer import Result, markdown_table, table_spec, told_plainly
from roster_pipeline.assets.run import SyncRun
from roster_pipeline.oneroster.resources import ROSTER_RESOURCES
from roster_pipeline.oneroster.snapshot import latest_snapshot
from roster_pipeline.warehouse.roster import build_roster


def build_roster_assets(source_id: str) -> dg.AssetsDefinition:
    """The six roster tables of a source, each with a check that counts the rows that could not be used."""
    keys = {resource.table: dg.AssetKey([source_id, "roster", resource.table]) for resource in ROSTER_RESOURCES}

    @dg.multi_asset(
        name=f"{source_id}__roster",
        specs=[
            table_spec(source_id, "roster", resource.table, [("raw", resource.table)], "duckdb")
            for resource in ROSTER_RESOURCES
        ],
        check_specs=[
            dg.AssetCheckSpec(
                "every_row_used",
                asset=key,
                description="Every row the SIS sent could be used; the others are in roster.rejects and sync.issues",
            )
            for key in keys.values()
        ],
    )
    def roster(context: dg.AssetExecutionContext, sync_run: SyncRun) -> Iterator[Result | dg.AssetCheckResult]:
        with told_plainly():
            settings = sync_run.settings(source_id)
            snapshot = latest_snapshot(sync_run.home.raw(source_id, context.partition_key))
            if snapshot is None:
                raise dg.Failure(f"There is no raw extract of {source_id} for {context.partition_key}; materialize raw")
            with sync_run.warehouse.transaction(
                source_id, context.partition_key, begins=False, stays_open=True
            ) as session:
                counts = build_roster(session, snapshot, settings, sync_run.run_id)
                sync_run.note(session, issues=counts.issues)
                rejected = dict(
                    session.execute(
                        "SELECT kind, count(*) FROM roster.rejects WHERE source_id = getvariable('source_id') "
                        "AND school_year = getvariable('school_year') GROUP BY kind"
                    )
                )
                issues = session.execute(
                    "SELECT kind, severity, code, count(*) FROM sync.issues WHERE run_id = $run_id "
                    "AND source_id = getvariable('source_id') GROUP BY ALL ORDER BY ALL",
                    {"run_id": sync_run.run_id},
                )
        for resource in ROSTER_RESOURCES:
            found = [row[1:] for row in issues if row[0] == resource.singular]
            unused = rejected.get(resource.singular, 0)
            yield dg.MaterializeResult(
                asset_key=keys[resource.table],
                metadata={
                    "dagster/partition_row_count": counts.rows[resource.table],
                    "rejected_rows": unused,
                    "issues": sum(times for *_, times in found),
                    "issues_by_code": markdown_table(["severity", "code", "times"], found),
                },
            )
            yield dg.AssetCheckResult(
                asset_key=keys[resource.table],
                check_name="every_row_used",
                passed=not unused,
                severity=dg.AssetCheckSeverity.WARN,
                metadata={"rejected_rows": unused},
            )

    return roster

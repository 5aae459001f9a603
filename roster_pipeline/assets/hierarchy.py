"""Layer brightspace: the hierarchy as it should be."""

from collections.abc import Iterator

import dagster as dg

from roster_pipeline.assets.layer import Metadata, Result, markdown_table, table_spec, told_plainly
from roster_pipeline.assets.run import SyncRun
from roster_pipeline.issues import issue_counts
from roster_pipeline.oneroster.resources import ROSTER_RESOURCES
from roster_pipeline.warehouse.hierarchy import TABLES, build_hierarchy

#: What the summary of each table counts by; never anything about one person.
_SUMMARIES = {"org_units": "kind", "users": "sis_role", "enrollments": "role"}


def build_hierarchy_assets(source_id: str) -> dg.AssetsDefinition:
    """The five hierarchy tables of a source."""

    @dg.multi_asset(
        name=f"{source_id}__brightspace",
        specs=[
            table_spec(
                source_id, "brightspace", table, [("roster", resource.table) for resource in ROSTER_RESOURCES], "duckdb"
            )
            for table in TABLES
        ],
    )
    def brightspace(context: dg.AssetExecutionContext, sync_run: SyncRun) -> Iterator[Result]:
        with told_plainly():
            settings = sync_run.settings(source_id)
            with sync_run.warehouse.transaction(
                source_id, context.partition_key, begins=False, stays_open=True
            ) as session:
                counts = build_hierarchy(session, settings, sync_run.day(settings), sync_run.run_id)
                sync_run.note(session, issues=issue_counts(session, sync_run.run_id))
                summaries = {
                    table: session.execute(
                        f"SELECT {column}, count(*) FROM brightspace.{table} "
                        "WHERE source_id = getvariable('source_id') "
                        f"AND school_year = getvariable('school_year') GROUP BY {column} ORDER BY {column}"
                    )
                    for table, column in _SUMMARIES.items()
                }
        for table in TABLES:
            metadata: Metadata = {
                "dagster/partition_row_count": counts.rows[table],
                "issues": sum(counts.issues.values()),
            }
            if table in summaries:
                metadata["rows_by_kind"] = markdown_table([_SUMMARIES[table], "rows"], summaries[table])
            yield dg.MaterializeResult(asset_key=dg.AssetKey([source_id, "brightspace", table]), metadata=metadata)

    return brightspace

"""Layers sync and warehouse: the delta delivered, and the copy that analysts open."""

from collections.abc import Iterator

import dagster as dg

from roster_pipeline.assets.layer import (
    OWNERS,
    SCHOOL_YEARS,
    Metadata,
    Result,
    markdown_table,
    table_spec,
    told_plainly,
)
from roster_pipeline.assets.run import SyncRun
from roster_pipeline.delivery.bundle_route import DeliveryError
from roster_pipeline.delivery.routes import deliver
from roster_pipeline.issues import issue_counts
from roster_pipeline.warehouse.connection import Session
from roster_pipeline.warehouse.delta import TABLES


def build_delivery(source_id: str) -> dg.AssetsDefinition:
    """What the integration manages in Brightspace, advanced by a confirmed delivery of the delta."""

    @dg.multi_asset(
        name=f"{source_id}__delivery",
        specs=[table_spec(source_id, "sync", "mappings", [("delta", table) for table in TABLES], "brightspace")],
    )
    def delivery(context: dg.AssetExecutionContext, sync_run: SyncRun) -> Iterator[Result]:
        with told_plainly():
            settings = sync_run.settings(source_id)
            with sync_run.warehouse.transaction(source_id, context.partition_key, stays_open=True) as session:
                _demand_own_delta(session, sync_run.run_id)
            delivered = deliver(
                sync_run.warehouse, sync_run.home, source_id, context.partition_key, settings, sync_run.run_id
            )
            told: dict[str, object] = {"route": delivered.route, "bundle": delivered.bundle, "rows": delivered.rows}
            if delivered.refused:
                told["refused"] = delivered.refused
                context.log.warning(
                    "%d rows would be refused by Brightspace and were left out; see sync.issues", delivered.refused
                )
            with sync_run.warehouse.transaction(source_id, context.partition_key, stays_open=True) as session:
                sync_run.note(session, delivered=told, issues=issue_counts(session, sync_run.run_id))
                managed = session.execute(
                    "SELECT kind, count(*) FROM sync.mappings WHERE source_id = getvariable('source_id') "
                    "GROUP BY kind ORDER BY kind"
                )
        metadata: Metadata = {
            "dagster/row_count": sum(rows for _, rows in managed),
            "delivered_rows": sum(delivered.rows.values()),
            "refused_rows": delivered.refused,
            "managed": markdown_table(["kind", "rows"], managed),
            "delivered": markdown_table(["file", "rows"], delivered.rows.items()),
        }
        if delivered.bundle:
            metadata["bundle"] = dg.MetadataValue.path(delivered.bundle)
        yield dg.MaterializeResult(metadata=metadata)

    return delivery


def _demand_own_delta(session: Session, run_id: str) -> None:
    """A delta of another run may be delivered already, or held back: it is worked out anew. Raises DeliveryError."""
    if not session.value(
        "SELECT count(*) FROM sync.runs WHERE source_id = getvariable('source_id') AND run_id = $run_id "
        "AND (counts -> 'delta') IS NOT NULL",
        {"run_id": run_id},
    ):
        raise DeliveryError(
            f"This run did not work out the delta of {session.source_id}, {session.school_year}, itself. "
            "Materialize the delta assets together with this one, or run the whole job."
        )


def build_published(source_id: str) -> dg.AssetsDefinition:
    """The analysts' copy of the warehouse."""

    @dg.asset(
        key=[source_id, "warehouse", "roster"],
        name=None,
        deps=[dg.AssetKey([source_id, "sync", "mappings"])],
        group_name=source_id,
        owners=OWNERS,
        kinds={"duckdb"},
        partitions_def=SCHOOL_YEARS,
        description="warehouse/roster.duckdb, replaced in one instant after a run that passed its checks",
    )
    def published(context: dg.AssetExecutionContext, sync_run: SyncRun) -> Result:
        with told_plainly():
            sync_run.conclude(source_id, context.partition_key, "success")
        path = sync_run.warehouse.published_path
        return dg.MaterializeResult(metadata={"path": dg.MetadataValue.path(str(path)), "bytes": path.stat().st_size})

    return published

"""Layer sync, on demand: what was changed by hand in Brightspace since it was delivered."""

from dataclasses import asdict

import dagster as dg

from roster_pipeline.assets.layer import Metadata, Result, markdown_table, table_spec, told_plainly
from roster_pipeline.assets.run import SyncRun
from roster_pipeline.tenant.drift import Drift, find_drift

DRIFT = "drift"
#: In the order in which a person wants to know of them.
FINDINGS = (
    "missing",
    "changed",
    "duplicate_code",
    "enrollment_missing",
    "enrollment_role_changed",
    "enrollment_unknown",
)

_LEFT_OUT = "asked for together with other assets; ask for it alone, or run roster drift"


def build_drift(source_id: str) -> dg.AssetsDefinition:
    """The report of a source, made when somebody asks for it; it changes nothing but `sync.drift`."""

    @dg.multi_asset(
        name=f"{source_id}__drift_report",
        specs=[table_spec(source_id, "sync", "drift", [("sync", "mappings"), ("warehouse", "roster")], "brightspace")],
    )
    def drift(context: dg.AssetExecutionContext, sync_run: SyncRun) -> Result:
        year, key = context.partition_key, dg.AssetKey([source_id, "sync", "drift"])
        if len(context.run.asset_selection or ()) > 1:
            # A backfill of everything would read the tenant anew for each school year.
            return dg.MaterializeResult(asset_key=key, metadata={"left_out": _LEFT_OUT})
        with told_plainly():
            settings = sync_run.settings(source_id)
            found = find_drift(sync_run.warehouse, sync_run.home, source_id, year, settings, sync_run.run_id)
            sync_run.conclude(source_id, year, "reported", drift=asdict(found))
        for sentence in found.not_seen:
            context.log.info("Not seen: %s", sentence)
        return dg.MaterializeResult(asset_key=key, metadata=_metadata(found))

    return drift


def _metadata(found: Drift) -> Metadata:
    numbers = {finding: sum(found.findings.get(finding, {}).values()) for finding in FINDINGS}
    return {
        "findings": sum(numbers.values()),
        **numbers,
        **{f"compared_{entity}": rows for entity, rows in found.compared.items()},
        "delivered_too_late_to_be_seen": found.newer,
        "by_kind": markdown_table(
            ["finding", "kind", "rows"],
            [(finding, kind, rows) for finding in FINDINGS for kind, rows in found.findings.get(finding, {}).items()],
        ),
        "not_seen": dg.MetadataValue.md("\n".join(f"- {sentence}" for sentence in found.not_seen)),
    }

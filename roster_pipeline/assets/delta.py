"""Layer delta: what changed since the last confirmed delivery, and the guard that may hold it back."""

from collections.abc import Iterator

import dagster as dg

from roster_pipeline.assets.layer import Metadata, Result, markdown_table, table_spec, told_plainly
from roster_pipeline.assets.run import SyncRun
from roster_pipeline.delivery.guard import Verdict, judge
from roster_pipeline.delivery.routes import settle
from roster_pipeline.issues import issue_counts
from roster_pipeline.tenant.connect import existing_for_linking
from roster_pipeline.warehouse.connection import Session
from roster_pipeline.warehouse.delta import TABLES, DeltaCounts, build_delta
from roster_pipeline.warehouse.hierarchy import TABLES as HIERARCHY_TABLES

GUARD = "within_limits"


def build_delta_assets(source_id: str) -> dg.AssetsDefinition:
    """The delta tables of a source, and the blocking check that holds back what is too much."""
    guarded = dg.AssetKey([source_id, "delta", TABLES[0]])

    @dg.multi_asset(
        name=f"{source_id}__delta",
        specs=[
            table_spec(
                source_id, "delta", table, [("brightspace", upstream) for upstream in HIERARCHY_TABLES], "duckdb"
            )
            for table in TABLES
        ],
        check_specs=[
            dg.AssetCheckSpec(
                GUARD,
                asset=guarded,
                blocking=True,
                description="The delta removes and changes no more than the source's safety settings allow",
            )
        ],
    )
    def delta(context: dg.AssetExecutionContext, sync_run: SyncRun) -> Iterator[Result | dg.AssetCheckResult]:
        with told_plainly():
            settings = sync_run.settings(source_id)
            for settled in settle(sync_run.warehouse, sync_run.home, source_id, settings):
                context.log.warning("An earlier run was interrupted while delivering: %s", settled)
            with (
                existing_for_linking(
                    sync_run.warehouse, sync_run.home, source_id, context.partition_key, settings
                ) as existing,
                sync_run.warehouse.transaction(
                    source_id, context.partition_key, begins=False, stays_open=True
                ) as session,
            ):
                counts = build_delta(session, settings, sync_run.day(settings), sync_run.run_id, existing)
                there = {
                    table: session.value(f"SELECT count(*) FROM existing_{table}") for table in ("users", "org_units")
                }
                verdict = judge(session, settings.safety)
                refusal = _refusal(session, verdict, accepted=sync_run.accept_changes)
                sync_run.note(
                    session,
                    delta=counts,
                    issues=issue_counts(session, sync_run.run_id),
                    vanished_schools=verdict.vanished_schools,
                    **({"held": _held(verdict, refusal)} if refusal else {}),
                )
                if refusal:
                    sync_run.finish(session, "held")
                elif sync_run.dry_run:
                    sync_run.finish(session, "dry_run")
            if refusal:
                # What is held back must be there to be looked at.
                sync_run.warehouse.publish()
        for table in TABLES:
            yield dg.MaterializeResult(
                asset_key=dg.AssetKey([source_id, "delta", table]), metadata=_metadata(table, counts, there)
            )
        yield dg.AssetCheckResult(
            asset_key=guarded,
            check_name=GUARD,
            passed=not refusal,
            severity=dg.AssetCheckSeverity.ERROR,
            description=refusal or "within the limits",
            metadata={
                "largest_groups": markdown_table(
                    ["entity", "where", "action", "reason", "rows"],
                    [(g.entity, g.place, g.action, g.reason, g.rows) for g in verdict.largest_groups],
                )
            },
        )

    return delta


def _refusal(session: Session, verdict: Verdict, *, accepted: bool) -> str | None:
    """Why the delta must not be delivered, or None."""
    if verdict.passes:
        return None
    told = "; ".join(verdict.objections)
    held = session.execute(
        "SELECT counts -> 'held' ->> 'fingerprint' FROM sync.runs WHERE source_id = getvariable('source_id') "
        "AND school_year = getvariable('school_year') AND status IN ('held', 'success') "
        # Runs that only export or compare say nothing of a delta.
        "AND (counts -> 'delta') IS NOT NULL "
        "ORDER BY started_at DESC LIMIT 1"
    )
    if accepted:
        seen = held[0][0] if held else None
        if seen in (None, verdict.fingerprint):
            return None
        return f"The delta is no longer the one that was held back and looked at; look again. Now: {told}"
    return f"{told}. Look at delta.* and, if it is right, run again with --accept-changes"


def _held(verdict: Verdict, refusal: str) -> dict[str, object]:
    return {
        "fingerprint": verdict.fingerprint,
        "why": refusal,
        "largest_groups": [vars(group) for group in verdict.largest_groups],
    }


def _metadata(table: str, counts: DeltaCounts, there: dict[str, int]) -> Metadata:
    actions = counts[table]
    return {
        **({"looked_at_in_brightspace": there[table]} if there.get(table) else {}),
        "dagster/partition_row_count": sum(actions.values()),
        **{action: actions.get(action, 0) for action in ("create", "update", "delete", "inactivate", "unmap")},
        "summary": markdown_table(["action", "rows"], actions.items()),
    }

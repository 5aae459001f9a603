"""Layer grades, second half: what is due goes to the SIS, and the ledger says what became of it."""

from collections.abc import Iterator

import dagster as dg

from roster_pipeline.assets.gradebook import TABLES as GRADEBOOK_TABLES
from roster_pipeline.assets.gradebook import GradeRun, failing_the_run, left_out, why_left_out
from roster_pipeline.assets.layer import Metadata, Result, markdown_table, table_spec
from roster_pipeline.assets.run import SyncRun
from roster_pipeline.grades.export import export_grades, find_run

TABLES = ("export_ledger", "export_runs", "export_lines")


def build_grade_export(source_id: str) -> dg.AssetsDefinition:
    """The ledger and the history of exports, advanced by an export."""

    @dg.multi_asset(
        name=f"{source_id}__grades",
        specs=[
            table_spec(source_id, "grades", table, [("grades", upstream) for upstream in GRADEBOOK_TABLES], "oneroster")
            for table in TABLES
        ],
    )
    def grade_export(context: dg.AssetExecutionContext, sync_run: SyncRun, grade_run: GradeRun) -> Iterator[Result]:
        warehouse, year = sync_run.warehouse, context.partition_key
        with failing_the_run(sync_run, source_id, year):
            settings = sync_run.settings(source_id)
            if why := why_left_out(sync_run, settings, context.run, year):
                yield from left_out(sync_run, source_id, year, TABLES, why)
                return
            request = grade_run.request(sync_run, settings, context.run.job_name)
            report = export_grades(warehouse, sync_run.home, source_id, year, settings, request, context.log.warning)
            with warehouse.transaction(source_id, year) as session:
                sync_run.note(session, grades=find_run(session, report.run_id))
                sync_run.finish(session, "dry_run" if request.dry_run else "success")
            warehouse.publish()
        lines = [
            (kind, outcome, number) for kind, outcomes in report.counts.items() for outcome, number in outcomes.items()
        ]
        for table in TABLES:
            metadata: Metadata = {
                "writes": report.writes,
                "lines": markdown_table(["kind", "outcome", "rows"], lines),
            }
            metadata |= {f"{kind}_{outcome}": number for kind, outcome, number in lines}
            yield dg.MaterializeResult(asset_key=dg.AssetKey([source_id, "grades", table]), metadata=metadata)

    return grade_export

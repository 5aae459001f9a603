"""The job that reads grades back from the SIS and tells what is there otherwise than it was sent."""

from dataclasses import asdict

import dagster as dg

from roster_pipeline.assets.gradebook import GradeRun, failing_the_run
from roster_pipeline.assets.layer import SCHOOL_YEARS, markdown_table
from roster_pipeline.assets.run import SyncRun
from roster_pipeline.grades.reconcile import reconcile

STEP = "reconcile_grades"


def build_grade_reconciliation(source_id: str, name: str) -> dg.JobDefinition:
    """The job `<source_id>__reconcile_grades`; it changes nothing but `grades.differences`."""

    @dg.op(name=STEP, description="Compares line items and results of the SIS with the export ledger")
    def read_back(context: dg.OpExecutionContext, sync_run: SyncRun, grade_run: GradeRun) -> None:
        year = context.partition_key
        with failing_the_run(sync_run, source_id, year):
            settings = sync_run.settings(source_id)
            found = reconcile(sync_run.warehouse, sync_run.home, source_id, year, settings, grade_run.classes)
            sync_run.conclude(source_id, year, "success", reconciled=asdict(found))
        rows = [(kind, difference, n) for kind, of in found.differences.items() for difference, n in of.items()]
        context.add_output_metadata(
            {
                "read": found.read,
                "differing": sum(row[2] for row in rows),
                "differences": markdown_table(["kind", "difference", "objects"], rows),
            }
        )

    @dg.job(
        name=f"{source_id}__{STEP}",
        partitions_def=SCHOOL_YEARS,
        tags={"source": source_id},
        description=f"{name}: grades in the SIS beside what was sent",
    )
    def job() -> None:
        read_back()

    return job

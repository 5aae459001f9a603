"""The job that takes the SIS's categories over into gradebooks, for the classes that somebody names."""

from dataclasses import asdict

import dagster as dg

from roster_pipeline.assets.gradebook import GradeRun, failing_the_run
from roster_pipeline.assets.layer import SCHOOL_YEARS, markdown_table
from roster_pipeline.assets.run import SyncRun
from roster_pipeline.grades.categories import sync_categories

STEP = "sync_categories"


def build_category_sync(source_id: str, name: str) -> dg.JobDefinition:
    """The job `<source_id>__sync_categories`; it fails where a class is not one of ours."""

    @dg.op(name=STEP, description="Adds the SIS's categories of each class to its gradebook")
    def take_over(context: dg.OpExecutionContext, sync_run: SyncRun, grade_run: GradeRun) -> None:
        year = context.partition_key
        with failing_the_run(sync_run, source_id, year):
            settings = sync_run.settings(source_id)
            synced = sync_categories(sync_run.warehouse, sync_run.home, source_id, year, settings, grade_run.classes)
            sync_run.conclude(source_id, year, "success", categories=[asdict(result) for result in synced])
        for result in synced:
            for title in result.repeated_names:
                context.log.warning(
                    "Class %s has a category %s of its own beside the SIS's; only the SIS's is exported",
                    result.class_sourced_id,
                    title,
                )
            for title in result.to_rename:
                context.log.warning(
                    "Class %s: the SIS calls a category %s now; rename it in the gradebook, where only people can",
                    result.class_sourced_id,
                    title,
                )
        rows = [(result.class_sourced_id, len(result.added), result.present) for result in synced]
        context.add_output_metadata({"classes": markdown_table(["class", "added", "there before"], rows)})

    @dg.job(
        name=f"{source_id}__{STEP}",
        partitions_def=SCHOOL_YEARS,
        tags={"source": source_id},
        description=f"{name}: categories of the SIS into gradebooks",
    )
    def job() -> None:
        take_over()

    return job

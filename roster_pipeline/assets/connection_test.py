"""The connection test as a job: what was tried, what came back, what to do. It changes nothing but its own record."""

from dataclasses import asdict
from typing import Any

import dagster as dg

from roster_pipeline.assets.layer import markdown_table, told_plainly
from roster_pipeline.grades.scope import scopes_of
from roster_pipeline.home import Home
from roster_pipeline.settings import load_source
from roster_pipeline.warehouse.connection import Warehouse
from roster_pipeline.warehouse.tested import record_test

STEP = "connection_test"


def build_connection_test(source_id: str, name: str) -> dg.JobDefinition:
    """The job `<source_id>__connection_test`; it fails where a step of the test failed."""

    @dg.op(name=STEP, description="Tries credentials, reachability, licence, clock and one page of each resource")
    def connection_test(context: dg.OpExecutionContext) -> dg.Output[list[dict[str, Any]]]:
        # It loads what all ways in need, which takes a second that no other job should pay for.
        from roster_pipeline.oneroster.connection_test import check_connection, is_passed  # noqa: PLC0415

        with told_plainly():
            home = Home.from_environment()
            settings = load_source(home.sources, source_id).settings
            scopes = scopes_of(settings)
            results = check_connection(settings.connection, home.root, grade_scopes=scopes)
            with Warehouse(home).transaction(source_id, "") as session:
                record_test(
                    session,
                    settings.connection,
                    scopes,
                    context.run_id,
                    passed=is_passed(results),
                    steps=[f"{result.step}: {result.outcome}" for result in results],
                )
        rows = [asdict(result) for result in results]
        header = ["step", "outcome", "detail", "seconds"]
        table = markdown_table(header, [[row[column] for column in header] for row in rows])
        context.log.info("%s steps, %s", len(rows), "passed" if is_passed(results) else "failed")
        return dg.Output(rows, metadata={"steps": table, "passed": is_passed(results)})

    @dg.op(name="passed", description="Fails where a step of the test failed, so that the run is seen to have failed")
    def passed(steps: list[dict[str, Any]]) -> None:
        failed = [f"{step['step']}: {step['detail']}" for step in steps if step["outcome"] == "failed"]
        if failed:
            raise dg.Failure(description="\n".join(failed), allow_retries=False)

    @dg.job(
        name=f"{source_id}__{STEP}", tags={"source": source_id}, description=f"{name}: tries the connection to the SIS"
    )
    def job() -> None:
        passed(connection_test())

    return job

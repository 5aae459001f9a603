"""Runs a Dagster job from the command line: the same job, instance and record that the UI uses."""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import dagster as dg
import orjson
from dagster._core.events import JobFailureData
from filelock import FileLock

from roster_pipeline.assets.connection_test import STEP
from roster_pipeline.definitions import build_definitions
from roster_pipeline.home import PRIVATE_FILE, Home, private_folder, write_atomically
from roster_pipeline.warehouse.connection import Warehouse

#: Written where there is none, so that a server started later runs with it too.
INSTANCE_SETTINGS = """\
# No pools: a run that is killed would keep its place in one for ever. The warehouse has a lock of its own, which the
# operating system gives back.
concurrency:
  runs:
    tag_concurrency_limits:
      - key: source
        limit: 1
        value: {applyLimitPerUniqueValue: true}
telemetry:
  enabled: false
"""

#: The command prints its own lines; Dagster keeps its log for the UI.
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}

Outcome = Literal["success", "held", "dry_run", "reported", "partial", "failed", "refused"]


@dataclass(frozen=True)
class RunReport:
    """How a run ended."""

    run_id: str
    school_year: str
    outcome: Outcome
    counts: dict[str, Any]
    """As in `sync.runs.counts`: extracted, issues, delta, delivered, held."""
    error: str | None = None


def prepare_instance(home: Home) -> None:
    """Point Dagster at its folder below the home, and give it settings where it has none."""
    folder = private_folder(home.dagster)
    settings = folder / "dagster.yaml"
    if not settings.exists():
        write_atomically(settings, INSTANCE_SETTINGS.encode())
    os.environ["DAGSTER_HOME"] = str(folder)


def run_job(
    home: Home,
    source_id: str,
    job: str,
    school_year: str,
    *,
    config: Mapping[str, Any],
    grades: Mapping[str, Any] | None = None,
    layers: list[str] | None = None,
) -> RunReport:
    """Run `<source_id>__<job>` for a school year in this process and wait for its end.

    `config` is that of the run itself (`as_of`, `accept_changes`, …), `grades` that of an export of grades (`classes`,
    `sessions`, …); `layers` names the layers of assets to
    materialize, all of them by default.
    """
    prepare_instance(home)
    logging.getLogger("dagster").setLevel(logging.WARNING)
    definitions = build_definitions(home)
    definition = definitions.resolve_job_def(f"{source_id}__{job}")
    selection = None
    if layers:
        selection = [key for key in definition.asset_layer.selected_asset_keys if key.path[1] in layers]
    with _open_instance(home) as instance:
        result = definition.execute_in_process(
            instance=instance,
            partition_key=school_year,
            asset_selection=selection,
            raise_on_error=False,
            run_config={
                "resources": {
                    "sync_run": {"config": _given(config)},
                    **({"grade_run": {"config": _given(grades)}} if grades is not None else {}),
                },
                **QUIET,
            },
        )
    return _report(home, source_id, school_year, result)


def _given(config: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in config.items() if value is not None}


def run_connection_test(home: Home, source_id: str) -> list[dict[str, Any]]:
    """Run `<source_id>__connection_test` and return its steps. Raises RuntimeError when it could not be run."""
    prepare_instance(home)
    definition = build_definitions(home).resolve_job_def(f"{source_id}__{STEP}")
    with _open_instance(home) as instance:
        result = definition.execute_in_process(instance=instance, raise_on_error=False, run_config=QUIET)
    if not result.is_node_success(STEP):
        raise RuntimeError(_error(result))
    steps: list[dict[str, Any]] = result.output_for_node(STEP)
    return steps


def _open_instance(home: Home) -> dg.DagsterInstance:
    # On its first use Dagster creates its databases, which two processes at once cannot do.
    with FileLock(private_folder(home.locks) / "dagster.lock", mode=PRIVATE_FILE):
        return dg.DagsterInstance.get()


def _report(home: Home, source_id: str, school_year: str, result: dg.ExecuteInProcessResult) -> RunReport:
    with Warehouse(home).transaction(source_id, school_year) as session:
        rows = session.execute(
            "SELECT status, counts::VARCHAR FROM sync.runs WHERE source_id = getvariable('source_id') "
            "AND run_id = $run_id",
            {"run_id": result.run_id},
        )
    outcome: Outcome = rows[0][0] if rows else "failed"
    counts: dict[str, Any] = orjson.loads(rows[0][1]) if rows else {}
    return RunReport(result.run_id, school_year, outcome, counts, None if result.success else _error(result))


def _error(result: dg.ExecuteInProcessResult) -> str:
    """The first failure of the run, in its own words."""
    for event in result.all_events:
        if event.is_step_failure:
            data = event.step_failure_data
            if data.user_failure_data and data.user_failure_data.description:
                return data.user_failure_data.description
            if data.error:
                cause = data.error.cause or data.error
                return cause.message.strip()
    for event in result.all_events:
        if event.is_failure and isinstance(event.event_specific_data, JobFailureData):
            error = event.event_specific_data.error
            while error and error.cause:
                error = error.cause
            if error and error.cls_name == "Failure":
                # Refused before the first step; after the class's name stand the words of the refusal.
                return error.message.partition(": ")[2].strip()
        if event.is_failure and event.message:
            return event.message
    return "the run failed; see it in the Dagster UI"

"""Two runs of one source at once: one waits for the other, and nothing is done twice."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from roster_pipeline_tests.pipeline import SOURCE, YEAR, Pipeline
from roster_pipeline_tests.roster_files import RosterFiles

COMMAND = "from roster_pipeline.cli import main; main()"


def _sync(home: Path) -> "subprocess.Popen[str]":
    environment = {**os.environ, "ROSTER_HOME": str(home)}
    environment.pop("DAGSTER_HOME", None)
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, "sync", SOURCE, "--school-year", YEAR, "--json"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _report(process: "subprocess.Popen[str]") -> dict[str, Any]:
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    report: dict[str, Any] = json.loads(output)
    return report


@pytest.mark.end_to_end
def test_two_commands_at_once_deliver_once(pipeline: Pipeline, files: RosterFiles) -> None:
    files.write(pipeline.home.root / "feed")
    both = [_sync(pipeline.home.root) for _ in range(2)]
    reports = [_report(process) for process in both]
    delivered = [report["delivered"]["bundle"] for report in reports if report["delivered"].get("bundle")]
    assert len(delivered) == 1
    assert [path.name for path in pipeline.home.outbox(SOURCE).glob("*.zip")] == [Path(delivered[0]).name]
    assert len(pipeline.mappings("user")) == 5
    assert len(pipeline.rows("sync.audit_log", "kind = 'user'")) == 5

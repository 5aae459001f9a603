"""A run may be killed at any instruction; the next one ends in the state in which it would have ended anyway."""

import multiprocessing
import random
import shutil
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from dagster import DagsterInstance, DagsterRunStatus

from roster_pipeline.assets.run import end_dead_runs
from roster_pipeline.oneroster.snapshot import latest_snapshot
from roster_pipeline_tests.faults.conftest import change
from roster_pipeline_tests.faults.outcome import Outcome, next_night, outcome
from roster_pipeline_tests.faults.processes import command, delivery_killed_at, delivery_lines, finish, night, start
from roster_pipeline_tests.pipeline import SOURCE, YEAR, Pipeline
from roster_pipeline_tests.roster_files import RosterFiles, maple

Copies = Callable[[str], Pipeline]
#: Kills of the everyday test; the soak test kills at every line, the first time it is run.
KILLS = 5
#: Seconds for kills at random moments.
TIME = 6.0


def _left_over(pipeline: Pipeline) -> list[Path]:
    """Files that only a delivery under way may have."""
    staging = pipeline.home.outbox(SOURCE) / ".staging"
    return [path for path in staging.rglob("*") if path.is_file()]


def _kill_at(pipeline: Pipeline, line: int) -> None:
    assert finish(start(delivery_killed_at, pipeline.home.root, line)) == -signal.SIGKILL


def _lines(copies: Copies) -> list[tuple[str, int]]:
    return delivery_lines(copies("counted").home.root)


def test_a_delivery_killed_here_or_there_is_made_up_for(copies: Copies, undisturbed: Outcome) -> None:
    lines = _lines(copies)
    for line in random.sample(range(1, len(lines)), KILLS):
        pipeline = copies(f"line-{line}")
        _kill_at(pipeline, line)
        next_night(pipeline)
        assert outcome(pipeline) == undisturbed, f"killed at line {line}"
        assert not _left_over(pipeline), f"killed at line {line}"


@pytest.mark.soak
def test_a_delivery_killed_at_any_line_is_made_up_for(copies: Copies, undisturbed: Outcome) -> None:
    lines = _lines(copies)
    for line in sorted(lines.index(each) + 1 for each in set(lines)):
        pipeline = copies("killed")
        _kill_at(pipeline, line)
        next_night(pipeline)
        assert outcome(pipeline) == undisturbed, f"killed at line {line}"
        assert not _left_over(pipeline), f"killed at line {line}"
        shutil.rmtree(pipeline.home.root)


def test_nights_killed_at_random_moments_end_as_one_undisturbed(tmp_path: Path) -> None:
    quiet = Pipeline(tmp_path / "quiet")
    quiet.night(maple())
    started = time.monotonic()
    quiet.night(change(maple()))
    duration = time.monotonic() - started
    quiet.night()

    killed = Pipeline(tmp_path / "killed")
    killed.night(maple())
    change(maple()).write(killed.home.root / "feed")
    deadline = time.monotonic() + TIME
    kills = 0
    while time.monotonic() < deadline:
        process = start(night, killed.home.root)
        process.join(random.uniform(0, 1.3 * duration))
        process.kill()
        kills += finish(process) == -signal.SIGKILL
    killed.night()
    killed.night()
    assert kills
    assert outcome(killed) == outcome(quiet)
    assert not _left_over(killed)


def _syncing(pipeline: Pipeline) -> "multiprocessing.context.ForkServerProcess":
    """The command `roster sync`, which has extracted and has the rest before it."""
    process = _sync(pipeline)
    # Not by the run's record: to read it, one would wait for the warehouse until the run is almost over.
    while latest_snapshot(pipeline.home.raw(SOURCE, YEAR)) is None:
        assert process.is_alive()
        time.sleep(0.01)
    return process


def _sync(pipeline: Pipeline, **environment: str) -> "multiprocessing.context.ForkServerProcess":
    home = pipeline.home.root
    return start(
        command, {"ROSTER_HOME": str(home), **environment}, home / "output.txt", "sync", SOURCE, "--school-year", YEAR
    )


def test_a_killed_run_holds_nobody_up(pipeline: Pipeline, files: RosterFiles) -> None:
    """Dagster would count it as started for ever, and let no other run of the source begin."""
    files.write(pipeline.home.root / "feed")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        # A SIS that never answers keeps the run in the middle of its work until it is killed.
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/ims/oneroster/v1p1"
        auth = {"kind": "oauth1", "client_id": "key", "client_secret": "${SILENT_SECRET}"}
        pipeline.configure(connection={"kind": "rest", "endpoint_url": address, "auth": auth})
        process = _sync(pipeline, SILENT_SECRET="secret")
        silent.settimeout(120)
        asked, _ = silent.accept()
        process.kill()
        assert finish(process) == -signal.SIGKILL, (pipeline.home.root / "output.txt").read_text("utf-8")
        asked.close()
    pipeline.configure()
    with DagsterInstance.from_config(str(pipeline.home.dagster)) as instance:
        assert [run.status for run in instance.get_runs()] == [DagsterRunStatus.STARTED]
        end_dead_runs(pipeline.home, SOURCE, instance)
        assert [run.status for run in instance.get_runs()] == [DagsterRunStatus.FAILURE]
        assert finish(_sync(pipeline)) == 0
        assert {run.status for run in instance.get_runs()} == {DagsterRunStatus.FAILURE, DagsterRunStatus.SUCCESS}
    assert {row["status"] for row in pipeline.rows("sync.runs")} == {"interrupted", "success"}


def test_a_run_that_is_alive_is_left_alone(pipeline: Pipeline, files: RosterFiles) -> None:
    files.write(pipeline.home.root / "feed")
    process = _syncing(pipeline)
    with DagsterInstance.from_config(str(pipeline.home.dagster)) as instance:
        end_dead_runs(pipeline.home, SOURCE, instance)
        assert finish(process) == 0
        assert [run.status for run in instance.get_runs()] == [DagsterRunStatus.SUCCESS]

"""Real processes that do the pipeline's work, so that a test can kill them or set them limits."""

import faulthandler
import multiprocessing
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import Any

import duckdb

from roster_pipeline import cli, launch
from roster_pipeline.brightspace import standard_csv
from roster_pipeline.delivery import bundle, bundle_route, outbox
from roster_pipeline.delivery.journal import Journal
from roster_pipeline.delivery.routes import deliver
from roster_pipeline.home import Home
from roster_pipeline.warehouse import connection, database
from roster_pipeline.warehouse.connection import Warehouse
from roster_pipeline.warehouse.database import WarehouseError
from roster_pipeline_tests.pipeline import SOURCE, YEAR, Pipeline

# A child starts from a process that has everything imported and nothing opened.
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload([__name__])

_DELIVERY_CODE = {module.__file__ for module in (bundle, bundle_route, outbox, standard_csv, connection, database)}
#: How long a child may take, seconds, before something is wrong with it.
PATIENCE = 60


def start(work: Callable[..., Any], *arguments: Any) -> "multiprocessing.context.ForkServerProcess":
    """Let a process of its own do `work`, a function of a module."""
    process = _context.Process(target=work, args=arguments)
    process.start()
    return process


def finish(process: "multiprocessing.context.ForkServerProcess", patience: float = PATIENCE) -> int:
    """Wait so many seconds for the end of a process; returns its exit code, negative for a signal."""
    process.join(patience)
    assert process.exitcode is not None, "the process does not end"
    return process.exitcode


def command(environment: dict[str, str], output: Path, *arguments: str) -> None:
    """The `roster` command with these arguments; what it prints goes to `output`."""
    os.environ.update(environment)
    os.environ.pop("DAGSTER_HOME", None)
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    # Where it hangs, if it does.
    faulthandler.dump_traceback_later(120)
    assert launch.prepare_instance  # imported beforehand: loading Dagster takes longer than the night
    cli.main(arguments, prog_name="roster")


def night(
    folder: Path, source_id: str = SOURCE, settings: dict[str, Any] | None = None, brightspace_key: str = ""
) -> None:
    """A whole night of a source with the feed as it lies there."""
    os.environ["BRIGHTSPACE_KEY"] = brightspace_key
    Pipeline(folder, settings, source_id).night()


def night_killed_when_confirmed(folder: Path, settings: dict[str, Any], brightspace_key: str) -> None:
    """A night over the API, killed when the warehouse has confirmed a first batch and the journal does not know yet."""

    def die(_: Journal) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    Journal.confirmed = die  # type: ignore[method-assign]
    night(folder, SOURCE, settings, brightspace_key)


def hold_open(warehouse: Path, sign: Path) -> None:
    """Have the warehouse open, without knowing its lock file, as long as `sign` is there."""
    with duckdb.connect(str(warehouse)):
        sign.touch()
        while sign.exists():
            time.sleep(0.01)


def publish_killed(folder: Path) -> None:
    """Publish the warehouse and be killed when the copy is made and not yet in its place."""

    def die(*_: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    os.fsync = die
    Warehouse(Home(folder)).publish()


def delivery(folder: Path) -> None:
    """The delivery of the delta as it stands."""
    deliver_delta(Pipeline(folder))


def delivery_killed_at(folder: Path, line: int) -> None:
    """The delivery, killed when it is about to run the given line of its code, counted from 1 as they are run."""
    lines = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal lines
        if frame.f_code.co_filename not in _DELIVERY_CODE:
            return None
        if event == "line":
            lines += 1
            if lines == line:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)
    delivery(folder)


def delivery_lines(folder: Path) -> list[tuple[str, int]]:
    """The lines of its code that the delivery runs, as file and number, in the order in which it runs them."""
    lines: list[tuple[str, int]] = []

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code.co_filename not in _DELIVERY_CODE:
            return None
        if event == "line":
            lines.append((frame.f_code.co_filename, frame.f_lineno))
        return trace

    sys.settrace(trace)
    try:
        delivery(folder)
    finally:
        sys.settrace(None)
    return lines


def with_small_files(folder: Path, work: Callable[[Pipeline], None], largest: int, errors: Connection) -> None:
    """Work where no file may grow beyond `largest` bytes, as on a disk that is full; sends what it says."""
    pipeline = Pipeline(folder)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
    try:
        work(pipeline)
    except WarehouseError as error:
        errors.send(str(error))
        raise


def deliver_delta(pipeline: Pipeline) -> None:
    """The delivery of the delta as it stands."""
    deliver(pipeline.warehouse, pipeline.home, SOURCE, YEAR, pipeline.settings, "disturbed")


def publish(pipeline: Pipeline) -> None:
    """The copy for analysts."""
    pipeline.warehouse.publish()

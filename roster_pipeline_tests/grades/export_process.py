"""One nightly export in a process of its own: to measure it alone, or to kill it.

`python -m roster_pipeline_tests.grades.export_process HOME DAY RUN_ID [KEPT_PLAN]` exports the gradebook files in
HOME hold. With KEPT_PLAN it leaves a copy of its plan there before it sends, tells so, and waits for a line on its
standard input. Its last line of output is a JSON object of figures.
"""

import json
import re
import resource
import shutil
import sys
import time
from datetime import date
from pathlib import Path

from roster_pipeline.grades import export as grade_export
from roster_pipeline.grades.build import build_gradebook
from roster_pipeline.grades.connect import read_gradebook
from roster_pipeline.grades.export import ExportReport, export_grades, open_run
from roster_pipeline.grades.push import Push, Pushed
from roster_pipeline.grades.scope import ExportRequest
from roster_pipeline.home import Home
from roster_pipeline.settings import load_source
from roster_pipeline.warehouse.connection import Warehouse
from roster_pipeline_tests.pipeline import SOURCE, YEAR


class WaitingPush(Push):
    """Sends when it is told to, and knows how long that took."""

    kept_plan: Path
    seconds: float
    cpu_seconds: float
    peak_before: float
    writes: int

    def run(self) -> Pushed:
        shutil.copyfile(self._journal.plan, self.kept_plan)
        type(self).peak_before = peak()
        sys.stdout.write("planned\n")
        sys.stdout.flush()
        sys.stdin.readline()
        started, cpu_started = time.monotonic(), time.process_time()
        done = super().run()
        type(self).seconds = time.monotonic() - started
        type(self).cpu_seconds = time.process_time() - cpu_started
        type(self).writes = sum(done.outcomes.values())
        return done


def exported(home: Home, run_id: str, day: date) -> ExportReport:
    """One export, from the files on."""
    request = ExportRequest(run_id, day)
    settings, warehouse = load_source(home.sources, SOURCE).settings, Warehouse(home)
    open_run(warehouse, SOURCE, YEAR, settings, request)
    reading = read_gradebook(warehouse, home, SOURCE, YEAR, settings)
    with warehouse.transaction(SOURCE, YEAR) as session:
        build_gradebook(session, reading, settings, request)
    return export_grades(warehouse, home, SOURCE, YEAR, settings, request)


def peak() -> float:
    """The most memory that this process has had so far, MiB."""
    # `ru_maxrss` would begin with what the process had that started this one.
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text("ascii"))
    return int(found[1]) / 1024 if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(home: str, day: str, run_id: str, kept_plan: str | None = None) -> None:
    if kept_plan:
        WaitingPush.kept_plan = Path(kept_plan)
        grade_export.Push = WaitingPush  # type: ignore[misc]
    started = time.monotonic()
    report = exported(Home(Path(home)), run_id, date.fromisoformat(day))
    figures = {"writes": report.writes, "counts": report.counts, "seconds": time.monotonic() - started, "peak": peak()}
    if kept_plan:
        figures |= {
            "push": WaitingPush.seconds,
            "push_cpu": WaitingPush.cpu_seconds,
            "sent": WaitingPush.writes,
            "peak_before": WaitingPush.peak_before,
        }
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])

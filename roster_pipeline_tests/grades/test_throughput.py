"""How fast results reach the SIS, beside a bare keep-alive client in the same run, and what a quiet night costs.

SIS, export and bare client are processes of their own, so that none is slowed by what another holds.
"""

import json
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from roster_pipeline.sandbox.generator import make_district
from roster_pipeline.sandbox.gradebook_files import write_gradebook
from roster_pipeline_tests.grades.sis_process import SisAddress, sis_process
from roster_pipeline_tests.pipeline import Pipeline

STUDENTS = 2000
CONNECTIONS = 4
DAY = date(2026, 10, 1)
#: What the export may lose against a client that does nothing but send.
SHARE = 0.9
#: What sending may need beside what planning has taken, whatever the number of scores, MiB.
SENDING = 64


@pytest.mark.benchmark
@pytest.mark.parametrize("items_per_class", [2, 8])
def test_results_per_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, items_per_class: int) -> None:
    with sis_process(STUDENTS) as sis:
        monkeypatch.setenv("SIS_SECRET", sis.client_secret)
        pipeline = loaded(tmp_path / "home", sis)
        written = write_gradebook(
            make_district(STUDENTS, years=1), pipeline.home.root / "gradebook", items_per_class=items_per_class
        )
        plan = str(tmp_path / "plan.parquet")
        with started(pipeline, "first", plan) as export:
            assert export.stdin is not None
            assert export.stdout is not None
            assert export.stdout.readline() == "planned\n"
            # The bare client before and after, because the machine has other things to do too.
            before = bare_client(sis, plan)
            export.stdin.write("go\n")
            export.stdin.flush()
            ours = json.loads(export.stdout.readline())
        after = bare_client(sis, plan)
        with started(pipeline, "quiet") as export:
            assert export.stdout is not None
            quiet = json.loads(export.stdout.readline())
    assert set(ours["counts"]["result"]) == {"sent"}
    assert quiet["writes"] == 0
    rate, bare = ours["sent"] / ours["push"], (before["rate"] + after["rate"]) / 2
    cpu = [1e6 * seconds / ours["sent"] for seconds in (ours["push_cpu"], before["cpu_seconds"], after["cpu_seconds"])]
    sys.stdout.write(
        f"\n{written.scores:,} scores, {ours['sent']:,} writes: {rate:,.0f} writes/s beside {before['rate']:,.0f} and "
        f"{after['rate']:,.0f} of a bare client ({rate / bare:.2f}); {cpu[0]:.0f} µs of processor time a write beside "
        f"{cpu[1]:.0f} and {cpu[2]:.0f}; a quiet night {quiet['seconds']:.1f} s; peak {ours['peak']:,.0f} MiB, before "
        f"the first write {ours['peak_before']:,.0f}\n"
    )
    assert ours["peak"] - ours["peak_before"] < SENDING
    assert rate / bare >= SHARE


def loaded(home: Path, sis: SisAddress) -> Pipeline:
    """A pipeline that has brought the district's roster to Brightspace."""
    auth = {
        "kind": "oauth2",
        "token_url": sis.token_url,
        "client_id": sis.client_id,
        "client_secret": "${SIS_SECRET}",
    }
    pipeline = Pipeline(
        home,
        {
            "connection": {
                "kind": "rest",
                "endpoint_url": sis.endpoint_url,
                "concurrency": CONNECTIONS,
                "auth": auth,
            },
            "grade_export": {"enabled": True, "gradebook": {"kind": "files", "path": "gradebook"}},
        },
    )
    pipeline.night(as_of=DAY)
    return pipeline


def started(pipeline: Pipeline, run_id: str, *kept_plan: str) -> "subprocess.Popen[str]":
    """An export in a process of its own."""
    module = "roster_pipeline_tests.grades.export_process"
    command = [sys.executable, "-m", module, str(pipeline.home.root), DAY.isoformat(), run_id, *kept_plan]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def bare_client(sis: SisAddress, plan: str) -> dict[str, Any]:
    """What a client comes to that does nothing but send."""
    module = "roster_pipeline_tests.grades.bare_client"
    arguments = [plan, sis.endpoint_url, sis.token_url, sis.client_id, str(CONNECTIONS)]
    done = subprocess.run([sys.executable, "-m", module, *arguments], stdout=subprocess.PIPE, check=True)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures

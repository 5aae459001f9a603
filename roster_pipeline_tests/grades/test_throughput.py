"""How fast results reach the SIS, beside a bare keep-alive client in the same run, and what a quiet night costs."""

import http.client
import queue
import resource
import sys
import threading
import time
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

import duckdb
import pytest
import requests

from roster_pipeline.grades import export as grade_export
from roster_pipeline.grades.build import build_gradebook
from roster_pipeline.grades.connect import read_gradebook
from roster_pipeline.grades.export import ExportReport, export_grades, open_run
from roster_pipeline.grades.push import Push, Pushed
from roster_pipeline.grades.scope import ExportRequest
from roster_pipeline.sandbox.generator import make_district
from roster_pipeline.sandbox.gradebook_files import write_gradebook
from roster_pipeline_tests.grades.sis_process import SisAddress, sis_process
from roster_pipeline_tests.pipeline import SOURCE, YEAR, Pipeline

STUDENTS = 2000
CONNECTIONS = 4
DAY = date(2026, 10, 1)
#: What the export may lose against a client that does nothing but send.
SHARE = 0.8


@pytest.mark.benchmark
@pytest.mark.parametrize("items_per_class", [2, 8])
def test_results_per_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, items_per_class: int) -> None:
    rates: dict[str, float] = {}
    real_run = Push.run

    def timed_run(push: Push) -> Pushed:
        # The bare client before and after, because the machine has other things to do too.
        before = bare_client(sis, push._journal.plan)
        started = time.monotonic()
        done = real_run(push)
        rates["ours"] = sum(done.outcomes.values()) / (time.monotonic() - started)
        rates["bare"] = (before + bare_client(sis, push._journal.plan)) / 2
        return done

    monkeypatch.setattr(grade_export.Push, "run", timed_run)
    with sis_process(STUDENTS) as sis:
        monkeypatch.setenv("SIS_SECRET", sis.client_secret)
        pipeline = loaded(tmp_path / "home", sis)
        written = write_gradebook(
            make_district(STUDENTS, years=1), pipeline.home.root / "gradebook", items_per_class=items_per_class
        )
        report = exported(pipeline, "first")
        assert set(report.counts["result"]) == {"sent"}
        started = time.monotonic()
        assert exported(pipeline, "quiet").writes == 0
        quiet = time.monotonic() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    share = rates["ours"] / rates["bare"]
    sys.stdout.write(
        f"\n{written.scores:,} scores, {report.writes:,} writes: {rates['ours']:,.0f} writes/s beside "
        f"{rates['bare']:,.0f} of a bare client ({share:.2f}); a quiet night {quiet:.1f} s; peak {peak:,.0f} MiB\n"
    )
    assert share >= SHARE


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


def exported(pipeline: Pipeline, run_id: str) -> ExportReport:
    """One export, from the files on."""
    request = ExportRequest(run_id, DAY)
    settings, warehouse = pipeline.settings, pipeline.warehouse
    open_run(warehouse, SOURCE, YEAR, settings, request)
    reading = read_gradebook(warehouse, pipeline.home, SOURCE, YEAR, settings)
    with warehouse.transaction(SOURCE, YEAR) as session:
        build_gradebook(session, reading, settings, request)
    return export_grades(warehouse, pipeline.home, SOURCE, YEAR, settings, request)


def bare_client(sis: SisAddress, plan: Path) -> float:
    """PUTs per second of threads that do nothing but send bodies that are ready, on connections kept alive."""
    form = {"grant_type": "client_credentials"}
    token = requests.post(sis.token_url, form, auth=(sis.client_id, sis.client_secret), timeout=30).json()
    headers = {"Authorization": f"Bearer {token['access_token']}", "Content-Type": "application/json"}
    address = urlsplit(sis.endpoint_url)
    query = "SELECT kind, sourced_id, body FROM read_parquet($plan)"
    with duckdb.connect() as database:
        rows = database.execute(query, {"plan": str(plan)}).fetchall()
    bodies: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()

    def send() -> None:
        connection = http.client.HTTPConnection(address.netloc)
        while True:
            try:
                path, body = bodies.get_nowait()
            except queue.Empty:
                connection.close()
                return
            connection.request("PUT", path, body, headers)
            answer = connection.getresponse()
            answer.read()
            assert answer.status in {200, 201}

    started = time.monotonic()
    for collection, kind in (("lineItems", "line_item"), ("results", "result")):
        for of_kind, sourced_id, body in rows:
            if of_kind == kind:
                bodies.put((f"{address.path}/{collection}/{sourced_id}", body.encode()))
        threads = [threading.Thread(target=send) for _ in range(CONNECTIONS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return len(rows) / (time.monotonic() - started)

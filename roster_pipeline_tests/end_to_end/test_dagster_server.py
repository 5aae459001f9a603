"""The Dagster UI's server, started as people start it, asked over GraphQL what the UI asks it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import requests

from roster_pipeline.home import Home
from roster_pipeline_tests.end_to_end.conftest import REPOSITORY

pytestmark = pytest.mark.end_to_end

START_TIMEOUT = 120.0
BACKFILL_TIMEOUT = 240.0

LAUNCH = """
mutation($assets: [AssetKeyInput!]!, $partitions: [String!]!) {
  launchPartitionBackfill(backfillParams: {assetSelection: $assets, partitionNames: $partitions}) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
  }
}
"""
STATUS = """
query($id: String!) {
  partitionBackfillOrError(backfillId: $id) {
    ... on PartitionBackfill { status runs(limit: 10) { id status } }
  }
}
"""
REPOSITORIES = """
{ repositoriesOrError { ... on RepositoryConnection { nodes {
  location { name }
  jobs { name }
  assetNodes { groupName description owners { ... on TeamAssetOwner { team } } kinds assetKey { path } }
} } } }
"""


class Server:
    """A running Dagster webserver."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/graphql"

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        answer = requests.post(self.url, json={"query": query, "variables": variables}, timeout=60).json()
        assert "errors" not in answer, answer
        data: dict[str, Any] = answer["data"]
        return data


@pytest.fixture
def server(environment: dict[str, str], tmp_path: Path) -> Generator[Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (tmp_path / "dagster").mkdir()
    log = (tmp_path / "server.log").open("wb")
    process = subprocess.Popen(
        [Path(sys.executable).with_name("dagster"), "dev", "-w", "workspace.yaml", "-h", "127.0.0.1", "-p", str(port)],
        cwd=REPOSITORY,
        env={**environment, "DAGSTER_HOME": str(tmp_path / "dagster")},
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    try:
        _wait_until_up(port, process, tmp_path / "server.log")
        yield Server(port)
    finally:
        # The daemon and the code server belong to the same session and must not outlive the test.
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        log.close()


def _wait_until_up(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            if requests.get(f"http://127.0.0.1:{port}/server_info", timeout=2).ok:
                return
        except requests.RequestException:  # not up yet, or too busy with starting to answer
            time.sleep(0.5)
    raise AssertionError(log.read_text())


def test_two_school_years_are_backfilled_from_the_ui(server: Server, csv_home: Home) -> None:
    (repository,) = server.ask(REPOSITORIES)["repositoriesOrError"]["nodes"]
    assert repository["location"]["name"] == "roster_pipeline"
    assert {"maple_csv__nightly", "maple_csv__roster_sync"} <= {job["name"] for job in repository["jobs"]}
    assets = repository["assetNodes"]
    assert all(asset["groupName"] == "maple_csv" and asset["owners"] and asset["kinds"] for asset in assets)
    assert all(asset["description"] for asset in assets)

    years = ["2025-2026", "2026-2027"]
    launched = server.ask(LAUNCH, assets=[{"path": asset["assetKey"]["path"]} for asset in assets], partitions=years)[
        "launchPartitionBackfill"
    ]
    assert launched["__typename"] == "LaunchBackfillSuccess", launched

    deadline = time.monotonic() + BACKFILL_TIMEOUT
    while True:
        backfill = server.ask(STATUS, id=launched["backfillId"])["partitionBackfillOrError"]
        if backfill["status"].startswith("COMPLETED") or time.monotonic() > deadline:
            break
        time.sleep(1)
    assert backfill["status"] == "COMPLETED_SUCCESS", backfill

    with duckdb.connect(str(csv_home.warehouse / "roster.duckdb"), read_only=True) as connection:
        runs = connection.execute("SELECT school_year, trigger, status FROM sync.runs ORDER BY school_year").fetchall()
        sections = connection.execute(
            "SELECT DISTINCT school_year, true FROM brightspace.org_units WHERE kind = 'section' ORDER BY ALL"
        ).fetchall()
    assert runs == [(year, "backfill", "success") for year in years]
    assert sections == [(year, True) for year in years]

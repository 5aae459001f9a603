"""Rows per second of a REST extract beside a bare `requests` loop over the same pages, in the same run.

The bare loop decodes JSON and keeps nothing; the extract flattens, writes Parquet and checks for duplicates too.
The SIS runs in a process of its own, so that its work does not slow its clients through the interpreter's lock.
"""

import multiprocessing
import resource
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
import requests
from pydantic import SecretStr

from roster_pipeline.oneroster.resources import ROSTER_RESOURCES
from roster_pipeline.oneroster.rest_extract import RestExtractor
from roster_pipeline.sandbox.generator import make_district
from roster_pipeline.sandbox.sis.faults.transport import SlowAnswers
from roster_pipeline.sandbox.sis_server import SandboxSis
from roster_pipeline.settings.connection import OAuth2, Rest
from roster_pipeline_tests.oneroster.tables import extract_of

pytestmark = pytest.mark.benchmark

STUDENTS = 5_000
PAGE_SIZE = 1_000
ROUNDS = 3
#: The extract has at least this part of the bare loop's rows per second.
BUDGET = 0.9


def _serve(pipe: Connection, answer_seconds: float) -> None:
    with SandboxSis(make_district(STUDENTS), faults=[SlowAnswers(answer_seconds)]) as sis:
        pipe.send((sis.endpoint_url, sis.token_url, sis.client_id, sis.client_secret))
        pipe.recv()


@pytest.fixture(scope="module", params=[0.0, 0.05], ids=["fast SIS", "SIS that takes 50 ms a page"])
def settings(request: pytest.FixtureRequest) -> Iterator[Callable[[int], Rest]]:
    """Makes connections to a SIS in another process, by concurrency."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=[theirs, request.param])
    process.start()
    endpoint_url, token_url, client_id, client_secret = ours.recv()
    auth = OAuth2(kind="oauth2", token_url=token_url, client_id=client_id, client_secret=SecretStr(client_secret))
    try:
        yield lambda concurrency: Rest(
            kind="rest", endpoint_url=endpoint_url, auth=auth, page_size=PAGE_SIZE, concurrency=concurrency
        )
    finally:
        ours.send("stop")
        process.join()


def bare_loop(settings: Rest) -> int:
    """The rows of the six collections, page by page, with as many connections."""
    assert isinstance(settings.auth, OAuth2)
    scope = "https://purl.imsglobal.org/spec/or/v1p1/scope/roster-core.readonly"
    token = requests.post(
        settings.auth.token_url,
        {"grant_type": "client_credentials", "scope": scope},
        auth=(settings.auth.client_id, settings.auth.client_secret.get_secret_value()),
        timeout=60,
    ).json()["access_token"]
    rows = 0

    def read(name: str, share: int) -> int:
        """Every page whose number leaves `share` when divided by the number of connections."""
        count = 0
        with requests.Session() as session:
            session.headers["Authorization"] = f"Bearer {token}"
            offset = share * PAGE_SIZE
            while True:
                params: dict[str, str | int] = {"limit": PAGE_SIZE, "offset": offset, "sort": "sourcedId"}
                page = session.get(f"{settings.endpoint_url}/{name}", params=params, timeout=60).json()[name]
                count += len(page)
                if len(page) < PAGE_SIZE:
                    return count
                offset += PAGE_SIZE * settings.concurrency

    for each in ROSTER_RESOURCES:
        with ThreadPoolExecutor(settings.concurrency) as pool:
            rows += sum(pool.map(read, [each.name] * settings.concurrency, range(settings.concurrency)))
    return rows


@pytest.mark.parametrize("concurrency", [1, 4])
def test_rows_per_second(
    settings: Callable[[int], Rest], tmp_path: Path, concurrency: int, record_property: Callable[[str, object], None]
) -> None:
    connection = settings(concurrency)
    bare: list[float] = []
    ours: list[float] = []
    for number in range(ROUNDS):
        started = time.perf_counter()
        rows = bare_loop(connection)
        bare.append(rows / (time.perf_counter() - started))
        started = time.perf_counter()
        extracted = extract_of(RestExtractor(connection), tmp_path / f"extract-{number}")
        ours.append(sum(each.rows for each in extracted.resources.values()) / (time.perf_counter() - started))
        assert sum(each.rows for each in extracted.resources.values()) == rows
    ratio = statistics.median(ours) / statistics.median(bare)
    record_property("bare rows per second", round(statistics.median(bare)))
    record_property("extract rows per second", round(statistics.median(ours)))
    print(  # noqa: T201 - a benchmark is read
        f"\nconcurrency {concurrency}: bare {statistics.median(bare):,.0f}, "
        f"extract {statistics.median(ours):,.0f} rows/s, ratio {ratio:.2f}, "
        f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB"
    )
    assert ratio >= BUDGET

"""The paging loop against servers that take limit, offset, total and links each in their own way."""

import math
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.responses import Response

from roster_pipeline.oneroster import paging
from roster_pipeline.oneroster.errors import RestError
from roster_pipeline.oneroster.extract import ExtractError
from roster_pipeline.oneroster.json_rows import JsonRows
from roster_pipeline.oneroster.paging import CollectionReader
from roster_pipeline.oneroster.resources import ORGS
from roster_pipeline.oneroster.rest_client import RestClient
from roster_pipeline_tests.oneroster.conftest import StartService
from roster_pipeline_tests.oneroster.services import QUICK, Received, ScriptedServer, ScriptedService, json, with_token


@dataclass
class Server:
    """A collection of `rows` rows and how the server pages through it."""

    rows: int
    cap: int | None = None
    honours_limit: bool = True
    honours_offset: bool = True
    total: int | None = None
    """X-Total-Count; None when it is not sent."""
    next_link: str | None = None
    """How far the link to the next page is off the right place; None when there are no links."""
    link_step: int = 0
    link_host: str = ""
    behind_the_end: int = 200
    """Status of an answer behind the last row."""
    gives_up_above: int | None = None
    """Pages with a greater limit are answered by the gateway, with 504."""
    sorts: bool = True
    asked: list[dict[str, str]] = field(default_factory=list)

    def __call__(self, request: Received) -> Response:
        query = request.query
        self.asked.append(query)
        limit, offset = int(query["limit"]), int(query["offset"])
        if not self.sorts and "sort" in query:
            return json({}, 400)
        if self.gives_up_above is not None and limit > self.gives_up_above:
            return json({}, 504)
        if not self.honours_offset:
            offset = 0
        if offset >= self.rows and self.behind_the_end != 200:
            return json({}, self.behind_the_end)
        width = min(limit, self.cap or limit) if self.honours_limit else self.rows
        rows = [{"sourcedId": f"org-{number}"} for number in range(offset, min(offset + width, self.rows))]
        headers: dict[str, str] = {}
        if self.total is not None:
            headers["X_Total_Count"] = str(self.total)
        if self.next_link is not None and rows:
            step = offset + len(rows) + self.link_step
            headers["Link"] = f'<{self.link_host}/orgs?limit={limit}&offset={step}>; rel="next"'
        return json({"orgs": rows}, **headers)


@pytest.fixture
def read(start_service: StartService) -> Any:
    """Reads a server's collection; answers with the numbers of its rows, in the order in which they came."""

    def read(server: Server, page_size: int = 10, concurrency: int = 1) -> list[int]:
        service = start_service(with_token(server))
        return numbers_of(service, page_size, concurrency)

    return read


def numbers_of(service: ScriptedService, page_size: int, concurrency: int) -> list[int]:
    with RestClient(service.settings(), policy=QUICK) as client:
        reader = CollectionReader(client, JsonRows(ORGS), page_size=page_size, concurrency=concurrency)
        return [int(row["sourcedId"].removeprefix("org-")) for page in reader.pages() for row in page.to_pylist()]


@pytest.fixture(scope="module")
def service(servers: list[ScriptedServer]) -> ScriptedService:
    """One service for many collections, one after the other."""
    return servers[0].start(with_token(Server(0)))


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.integers(0, 60),
    page_size=st.integers(1, 25),
    concurrency=st.sampled_from([1, 3]),
    cap=st.none() | st.integers(1, 25),
    honours_limit=st.booleans(),
    total=st.none() | st.integers(-15, 15),
    links=st.none() | st.integers(-3, 5),
    behind_the_end=st.sampled_from([200, 400, 404]),
)
def test_every_row_comes_whatever_the_server_does(
    service: ScriptedService,
    rows: int,
    page_size: int,
    concurrency: int,
    cap: int | None,
    honours_limit: bool,
    total: int | None,
    links: int | None,
    behind_the_end: int,
) -> None:
    # A total that is too great says that rows are missing: no honest server that has one refuses to look for them.
    refuses = behind_the_end if total is None or total <= 0 else 200
    service.handler = with_token(
        Server(
            rows,
            cap=cap,
            honours_limit=honours_limit,
            total=None if total is None else max(rows + total, 0),
            next_link=None if links is None else "next",
            link_step=links or 0,
            behind_the_end=refuses if rows else 200,
        )
    )
    numbers = numbers_of(service, page_size, concurrency)
    assert sorted(set(numbers)) == list(range(rows))
    if links is None or links >= 0:
        assert numbers == list(range(rows))


@pytest.mark.parametrize("concurrency", [1, 4])
def test_the_step_is_what_came_not_what_was_asked_for(read: Any, concurrency: int) -> None:
    server = Server(50, cap=7, total=50)
    assert read(server, page_size=20, concurrency=concurrency) == list(range(50))
    assert max(int(query["limit"]) for query in server.asked) == 20


def test_a_short_page_is_not_the_end(read: Any) -> None:
    assert read(Server(50, cap=7), page_size=20) == list(range(50))


def test_pages_are_asked_for_in_a_stable_order(read: Any) -> None:
    server = Server(3)
    read(server)
    assert all(query["sort"] == "sourcedId" and query["orderBy"] == "asc" for query in server.asked)


@pytest.mark.parametrize("concurrency", [1, 4])
def test_without_sorting_where_it_is_refused(read: Any, concurrency: int) -> None:
    server = Server(30, sorts=False, total=30)
    assert read(server, concurrency=concurrency) == list(range(30))
    assert ["sort" in query for query in server.asked].count(True) == 1


def test_a_refusal_that_is_not_about_sorting_stays_one(read: Any) -> None:
    server = Server(0, behind_the_end=400)
    with pytest.raises(RestError, match="HTTP 400"):
        read(server)


@pytest.mark.parametrize("concurrency", [1, 4])
def test_an_offset_that_is_ignored_is_an_error(read: Any, concurrency: int) -> None:
    server = Server(30, honours_offset=False, total=30)
    with pytest.raises(ExtractError, match=r"ignores the offset \(paging.offset_ignored\)"):
        read(server, concurrency=concurrency)


@pytest.mark.parametrize(
    "server",
    [
        pytest.param(Server(8, honours_offset=False, total=8), id="by the total"),
        pytest.param(Server(30, honours_offset=False, honours_limit=False), id="by more than was asked for"),
    ],
)
def test_an_offset_that_is_ignored_is_fine_when_all_came(read: Any, server: Server) -> None:
    assert read(server) == list(range(server.rows))


def test_pages_are_read_side_by_side_where_a_total_is_known(read: Any) -> None:
    server = Server(1000, total=1000)
    assert read(server, concurrency=4) == list(range(1000))
    # All windows but the last have the width of the first page.
    assert {int(query["limit"]) for query in server.asked} == {10}
    assert len(server.asked) == 101


def test_a_link_to_another_host_is_not_followed(read: Any, start_service: StartService) -> None:
    trap = start_service(lambda _: json({"orgs": []}))
    assert read(Server(30, next_link="next", link_host=trap.url)) == list(range(30))
    assert trap.requests == []


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_gateway_that_loses_patience_is_asked_for_less(read: Any, concurrency: int) -> None:
    server = Server(300, total=300, gives_up_above=30)
    assert read(server, page_size=100, concurrency=concurrency) == list(range(300))
    limits = [int(query["limit"]) for query in server.asked]
    assert limits[:3] == [100, 50, 25]


def test_asking_for_less_has_an_end(read: Any) -> None:
    server = Server(300, gives_up_above=0)
    with pytest.raises(RestError, match="HTTP 504"):
        read(server, page_size=100)
    limits = [int(query["limit"]) for query in server.asked]
    assert limits[:4] == [100, 50, 25, 12]
    assert limits[4:] == [10] * QUICK.attempts


@pytest.mark.parametrize("bound", ["MAX_PAGES", "MAX_ROWS"])
def test_a_server_without_an_end_is_left(read: Any, bound: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, bound, 20)
    with pytest.raises(ExtractError, match="and no end"):
        read(Server(10**6), page_size=2)


def test_a_404_in_the_middle_is_an_error(read: Any) -> None:
    server = Server(10, total=100, behind_the_end=404)
    with pytest.raises(RestError, match="HTTP 404"):
        read(server, page_size=10)


def test_a_total_that_is_no_number_is_passed_over(start_service: StartService) -> None:
    pages = iter([[{"sourcedId": "org-0"}], []])
    service = start_service(with_token(lambda _: json({"orgs": next(pages)}, X_Total_Count="many")))
    assert numbers_of(service, 1, 4) == [0]


def test_rows_without_ids_come_too(start_service: StartService) -> None:
    def answer(request: Received) -> Response:
        offset, limit = int(request.query["offset"]), int(request.query["limit"])
        return json({"orgs": [{"name": str(number)} for number in range(7)][offset : offset + limit]})

    service = start_service(with_token(answer))
    with RestClient(service.settings(), policy=QUICK) as client:
        reader = CollectionReader(client, JsonRows(ORGS), page_size=3, concurrency=1)
        names = [row["name"] for page in reader.pages() for row in page.to_pylist()]
    assert names == list("0123456")
    assert math.isclose(reader.collected, 7)

import socket
import threading

import pytest
import requests
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from roster_pipeline.sandbox.background import BackgroundServer


def application(url: str) -> ASGIApp:
    async def answer(_: Request) -> Response:
        return PlainTextResponse(url)

    return Starlette(routes=[Route("/", answer)])


def test_it_answers_at_the_address_it_tells_the_application() -> None:
    with BackgroundServer(application) as server:
        assert requests.get(server.url, timeout=30).text == server.url


def test_it_ends_with_its_block() -> None:
    with BackgroundServer(application) as server:
        pass

    with pytest.raises(requests.ConnectionError):
        requests.get(server.url, timeout=30)
    assert not any(str(server.port) in thread.name for thread in threading.enumerate())


def test_it_ends_even_when_a_connection_stays_open() -> None:
    with BackgroundServer(application) as server, socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(20).startswith(b"HTTP/1.1 200")
        server.__exit__(None, None, None)
        while connection.recv(4096):
            pass


def test_a_port_that_is_taken_is_an_error() -> None:
    with BackgroundServer(application) as server, pytest.raises(OSError, match="in use"):
        BackgroundServer(application, server.port).__enter__()

"""Runs a web application on a free loopback port, in a thread of this process."""

import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

import uvicorn
from starlette.types import ASGIApp

LOOPBACK = "127.0.0.1"
#: Longest time, in seconds, a server may take to come up before something is wrong with it.
START_TIMEOUT = 30


class _Server(uvicorn.Server):
    """A server that tells the thread that started it when it accepts requests."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


class BackgroundServer:
    """A web application that answers as long as the `with` block lasts.

    `make_application` is called with the server's address. `port=0` takes a free port. Raises OSError when the port
    is taken, RuntimeError when the server does not come up.
    """

    def __init__(self, make_application: Callable[[str], ASGIApp], port: int = 0) -> None:
        self._make_application = make_application
        self._port = port

    def __enter__(self) -> Self:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, self._port))
        except OSError:
            listener.close()
            raise
        self._port = listener.getsockname()[1]
        self._server = _Server(
            uvicorn.Config(
                self._make_application(self.url),
                lifespan="off",
                access_log=False,
                log_config=None,
                log_level="error",
            )
        )
        self._thread = threading.Thread(
            target=self._server.run, args=([listener],), name=f"server on port {self._port}", daemon=True
        )
        self._thread.start()
        if not self._server.ready.wait(START_TIMEOUT):
            raise RuntimeError(f"the server on port {self._port} did not start within {START_TIMEOUT} seconds")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        # Whoever still waits for an answer is cut off: a test or a demo that ends does not wait for its own requests.
        self._server.force_exit = True
        self._thread.join()

    @property
    def port(self) -> int:
        return self._port

    @property
    def url(self) -> str:
        """Address without a path: `http://127.0.0.1:41234`."""
        return f"http://{LOOPBACK}:{self._port}"

"""Connections to the sandbox, and services that answer as a test's own function says."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import orjson
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from roster_pipeline.oneroster.retry import RetryPolicy
from roster_pipeline.sandbox.background import BackgroundServer
from roster_pipeline.sandbox.sis_server import SandboxSis
from roster_pipeline.settings.connection import Rest

#: Tries as often as the default, and does not make a test wait.
QUICK = RetryPolicy(first_wait=0.001, longest_wait=0.01)


def rest_settings(sis: SandboxSis, **changes: Any) -> Rest:
    """The connection to a sandbox SIS, with small pages; keys of `auth` may be changed as `auth_<key>`."""
    auth: dict[str, Any] = {
        "kind": "oauth2",
        "token_url": sis.token_url,
        "client_id": sis.client_id,
        "client_secret": SecretStr(sis.client_secret),
    }
    return settings_with(sis.endpoint_url, auth, **changes)


def oauth1_settings(sis: SandboxSis, signature_method: str = "HMAC-SHA256", **changes: Any) -> Rest:
    """The connection to a sandbox SIS that wants signed requests."""
    auth = {
        "kind": "oauth1",
        "client_id": sis.client_id,
        "client_secret": SecretStr(sis.client_secret),
        "signature_method": signature_method,
    }
    return settings_with(sis.endpoint_url, auth, **changes)


def settings_with(endpoint_url: str, auth: dict[str, Any], /, **changes: Any) -> Rest:
    """A connection; `auth_<key>` changes a key of `auth`, any other a key of the connection."""
    values: dict[str, Any] = {
        "kind": "rest",
        "endpoint_url": endpoint_url,
        "page_size": 100,
        "concurrency": 3,
        "timeout_seconds": 10,
        "auth": auth | {key.removeprefix("auth_"): value for key, value in changes.items() if key.startswith("auth_")},
    }
    return Rest.model_validate(values | {key: value for key, value in changes.items() if not key.startswith("auth_")})


@dataclass(frozen=True)
class Received:
    """One request as it came."""

    method: str
    path: str
    """Percent-encoded, from the root of the service."""
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    port: int
    """The client's end of the connection."""


Handler = Callable[[Received], Response]


class ScriptedService:
    """A web service below a path of a server; it answers as `handler` says and remembers every request."""

    def __init__(self, url: str, handler: Handler) -> None:
        self.url = url
        self.requests: list[Received] = []
        self.handler = handler

    @property
    def endpoint_url(self) -> str:
        return f"{self.url}/ims/oneroster/v1p1"

    def settings(self, **changes: Any) -> Rest:
        """A connection to the service; its tokens come from `/token`, which `handler` answers too."""
        auth = {
            "kind": "oauth2",
            "token_url": f"{self.url}/token",
            "client_id": "client",
            "client_secret": SecretStr("top-secret"),
        }
        return settings_with(self.endpoint_url, auth, **changes)

    def oauth1_settings(self, **changes: Any) -> Rest:
        """A connection to the service with signed requests."""
        auth = {"kind": "oauth1", "client_id": "client", "client_secret": SecretStr("top-secret")}
        return settings_with(self.endpoint_url, auth, **changes)

    def answer(self, received: Received) -> Response:
        self.requests.append(received)
        return self.handler(received)


class ScriptedServer(BackgroundServer):
    """A server for services of many tests: each has a path of its own, so that none sees another's requests."""

    def __init__(self) -> None:
        self._services: list[ScriptedService] = []
        super().__init__(self._application)

    def start(self, handler: Handler) -> ScriptedService:
        """A new service."""
        service = ScriptedService(f"{self.url}/{len(self._services)}", handler)
        self._services.append(service)
        return service

    def _application(self, url: str) -> Starlette:  # noqa: ARG002 - handed to every application
        methods = ["GET", "POST", "PUT", "DELETE"]
        return Starlette(routes=[Route("/{number:int}/{path:path}", self._answer, methods=methods)])

    async def _answer(self, request: Request) -> Response:
        number = request.path_params["number"]
        received = Received(
            request.method,
            request.scope["raw_path"].decode().removeprefix(f"/{number}"),
            {name: values[0] for name, values in parse_qs(request.scope["query_string"].decode()).items()},
            dict(request.headers),
            await request.body(),
            request.client.port if request.client else 0,
        )
        return self._services[number].answer(received)


def json(body: Any, status: int = 200, **headers: str) -> Response:
    """An answer in JSON; `_` in names of headers stands for `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(orjson.dumps(body), status, named, "application/json")


def token(value: str = "t-1", **more: Any) -> Response:
    """An answer of a token endpoint."""
    return json({"access_token": value, "token_type": "bearer", "expires_in": 3600} | more)


def with_token(handler: Handler) -> Handler:
    """Answers the token endpoint as it should be, and everything else by `handler`."""
    return lambda request: token() if request.path == "/token" else handler(request)

"""What was asked of the SIS, for tests to look at."""

from dataclasses import dataclass

import orjson
from starlette.requests import Request

from roster_pipeline.sandbox.sis.wire import Json

#: Headers that carry a secret or what could be replayed.
_SECRET_HEADERS = {"authorization", "cookie", "x-vendor-authorization"}


@dataclass(frozen=True)
class RecordedRequest:
    """One request as it came over the wire, without secrets."""

    method: str
    path: str
    """Percent-encoded, from the root of the server."""
    query: str
    """Percent-encoded, without the question mark."""
    headers: dict[str, str]
    """By name in small letters; the value of one that carries a secret is `***`."""
    body: bytes
    """Of a PUT; empty for the token endpoint, whose form may hold the secret."""
    body_size: int
    status: int | None
    """Status of the answer; None when the connection was cut before there was one."""

    @property
    def json(self) -> Json:
        """The body as JSON."""
        document: Json = orjson.loads(self.body)
        return document


def record(request: Request, body: bytes, status: int | None, *, secret_body: bool = False) -> RecordedRequest:
    """Note a request and the status it was answered with."""
    return RecordedRequest(
        method=request.method,
        path=request.scope["raw_path"].decode("ascii"),
        query=request.scope["query_string"].decode("ascii"),
        headers={name: "***" if name in _SECRET_HEADERS else value for name, value in request.headers.items()},
        body=b"" if secret_body else body,
        body_size=len(body),
        status=status,
    )

"""How the API answers: JSON, problems, and the ways in which it pages."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from roster_pipeline.sandbox.brightspace.objects import TenantError, invalid

Json = dict[str, Any]


def json_response(document: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(document), status, headers, "application/json")


def problem(error: TenantError, instance: str = "") -> Response:
    """An error in the shape of RFC 7807, as the API reference has it."""
    document = {
        "type": "http://docs.valence.desire2learn.com/res/apiprop.html#invalid-request",
        "status": error.status,
        "title": error.title,
        "detail": error.detail,
        "instance": instance,
    }
    return json_response(document, error.status)


def utc_text(moment: datetime | None) -> str | None:
    """A time as the API writes it: UTC, milliseconds, Z."""
    if moment is None:
        return None
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


def parse_utc(value: Any) -> datetime | None:
    """Raises TenantError (400) unless the value is null or a time with milliseconds and Z."""
    if value is None:
        return None
    try:
        return datetime.strptime(value, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    except (TypeError, ValueError):
        raise invalid("a date must look like 2026-09-01T00:00:00.000Z") from None


def paged_result_set(rows: Sequence[tuple[int, Any]], bookmark: str | None, size: int) -> Json:
    """A page of `rows`, pairs of id and item in order of id, after the bookmark.

    The last page has a bookmark too, as recorded answers have it: only HasMoreItems tells whether there is more.
    """
    if bookmark and not bookmark.isdigit():
        raise invalid("there is no such bookmark")
    after = int(bookmark or 0)
    rest = [(id_, item) for id_, item in rows if id_ > after]
    page = rest[:size]
    return {
        "PagingInfo": {
            "Bookmark": str(page[-1][0]) if page else (bookmark or ""),
            "HasMoreItems": len(rest) > size,
        },
        "Items": [item for _, item in page],
    }


def object_list_page(request: Request, rows: Sequence[Any], size: int) -> Json:
    """A page whose `Next` is the whole address of the page after it, or null."""
    start = int(request.query_params.get("start", "0"))
    following = start + size
    url = None
    if following < len(rows):
        url = f"{request.url.replace(query=urlencode({**request.query_params, 'start': following}))}"
    return {"Next": url, "Objects": list(rows[start:following])}


class CutResponse(Response):
    """An answer that breaks off before its end, and the connection with it."""

    def __init__(self, whole: Response) -> None:
        super().__init__(whole.body, whole.status_code)
        self.headers["Content-Length"] = str(len(self.body) + 1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - as ASGI has it
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        # The server closes the connection of an application that returns before its answer is complete.
        await send({"type": "http.response.body", "body": self.body[: len(self.body) // 2], "more_body": True})

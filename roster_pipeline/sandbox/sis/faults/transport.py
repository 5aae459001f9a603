"""Faults of single answers: refused, late, cut, or not what was asked for."""
# ruff: noqa: ARG002 - every fault is handed the same, whatever of it it needs

import asyncio
import time
from dataclasses import dataclass
from email.utils import formatdate
from typing import Literal

from starlette.responses import RedirectResponse, Response

from roster_pipeline.sandbox.sis.answers import CutResponse, RefusedError, StatusInfo, forbidden
from roster_pipeline.sandbox.sis.faults.base import Aimed, Call, Fault

_LOGIN_PAGE = "<!DOCTYPE html><html><head><title>Sign in</title></head><body><form>Sign in</form></body></html>"


@dataclass(eq=False)
class TooManyRequests(Aimed):
    """Answers 429 with a Retry-After in seconds, as a date, or with none."""

    retry_after: Literal["seconds", "date"] | None = "seconds"
    seconds: int = 1

    async def answer(self, call: Call) -> Response | None:
        if self.strikes(call):
            headers: dict[str, str] = {}
            if self.retry_after == "seconds":
                headers["Retry-After"] = str(self.seconds)
            elif self.retry_after == "date":
                headers["Retry-After"] = formatdate(time.time() + self.seconds, usegmt=True)
            raise RefusedError(StatusInfo(429, "server_busy", "too many requests"), headers)
        return None


@dataclass(eq=False)
class Unavailable(Aimed):
    """Answers 503, and works again the next time."""

    status: int = 503

    async def answer(self, call: Call) -> Response | None:
        if self.strikes(call):
            raise RefusedError(StatusInfo(self.status, "server_busy", "the server is not available"))
        return None


@dataclass(eq=False)
class UnauthorizedMidRun(Aimed):
    """Answers 401 from the second page on, once, and forgets every access token."""

    page: int | None = 2

    async def answer(self, call: Call) -> Response | None:
        if self.strikes(call):
            call.service.authentication.revoke_tokens()
            raise RefusedError(StatusInfo(401, "unauthorized", "the access token is expired"))
        return None


@dataclass(eq=False)
class StopsMidWay(Aimed):
    """Answers 500 from a page on, every time."""

    page: int | None = 2
    count: int | None = None

    async def answer(self, call: Call) -> Response | None:
        if self.strikes(call):
            raise RefusedError(StatusInfo(500, "targetreadfailure", "internal server error"))
        return None


@dataclass(eq=False)
class CollectionForbidden(Aimed):
    """Answers 403 for a collection that is switched off for the client."""

    resource: str | None = "users"
    count: int | None = None

    async def answer(self, call: Call) -> Response | None:
        if self.strikes(call):
            raise forbidden(f"{call.collection} is not enabled for this connection")
        return None


@dataclass(eq=False)
class FailureToldAsSuccess(Aimed):
    """Answers 200 with status information that tells of a failure."""

    async def answer(self, call: Call) -> Response | None:
        if self.strikes(call):
            raise RefusedError(StatusInfo(200, "targetreadfailure", "the data could not be read"))
        return None


@dataclass(eq=False)
class HtmlAnswer(Aimed):
    """Answers 200 with a sign-in page."""

    async def answer(self, call: Call) -> Response | None:
        return Response(_LOGIN_PAGE, 200, media_type="text/html") if self.strikes(call) else None


@dataclass(eq=False)
class TruncatedJson(Aimed):
    """Sends the first half of the JSON document, as if it were all."""

    def change_response(self, call: Call, response: Response) -> Response:
        if not self.strikes(call):
            return response
        body = bytes(response.body)
        headers = {name: value for name, value in response.headers.items() if name != "content-length"}
        return Response(body[: len(body) // 2], response.status_code, headers)


@dataclass(eq=False)
class ConnectionCut(Aimed):
    """Cuts the connection in the middle of the body."""

    def change_response(self, call: Call, response: Response) -> Response:
        return CutResponse(response) if self.strikes(call) else response


@dataclass(eq=False)
class RedirectToOtherHost(Aimed):
    """Answers 302 with a location on another server."""

    host: str = "http://127.0.0.1:9"
    """Scheme, host and port."""

    async def answer(self, call: Call) -> Response | None:
        if not self.strikes(call):
            return None
        url = call.request.url
        return RedirectResponse(f"{self.host}{url.path}?{url.query}", 302)


@dataclass(eq=False)
class SlowAnswers(Fault):
    """Every answer takes a while."""

    seconds: float = 0.5

    async def answer(self, call: Call) -> Response | None:
        await asyncio.sleep(self.seconds)
        return None

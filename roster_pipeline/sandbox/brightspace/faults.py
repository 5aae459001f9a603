"""What goes wrong on the way to a tenant, to be switched on for a while."""

import random
import re
from collections import Counter
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response

from roster_pipeline.sandbox.brightspace.answers import CutResponse, json_response


@dataclass
class Fault:
    """Steps in at requests whose method and path, `POST /d2l/api/lp/1.49/users/`, hold `pattern`.

    `times` bounds how often; None is always.
    """

    pattern: str = ""
    times: int | None = None
    hits: int = 0

    def before(self, request: Request) -> Response | None:  # noqa: ARG002 - a hook
        """An answer instead of the real one; nothing has happened then."""
        return None

    def after(self, request: Request, response: Response) -> Response:  # noqa: ARG002 - a hook
        """An answer instead of the real one, of which everything has happened."""
        return response

    def meets(self, request: Request) -> bool:
        if self.times is not None and self.hits >= self.times:
            return False
        if not re.search(self.pattern, f"{request.method} {request.url.path}"):
            return False
        self.hits += 1
        return True


@dataclass
class ServerErrors(Fault):
    """A share of requests fails before anything happens."""

    share: float = 1
    status: int = 503
    chance: random.Random = field(default_factory=lambda: random.Random(0))

    def before(self, request: Request) -> Response | None:
        if self.chance.random() < self.share and self.meets(request):
            return Response("<html><body>Service Unavailable</body></html>", self.status, media_type="text/html")
        return None


@dataclass
class TooManyRequests(Fault):
    """Refusals because of the rate, whatever was spent."""

    retry_after: int = 1

    def before(self, request: Request) -> Response | None:
        if self.meets(request):
            return Response(status_code=429, headers={"Retry-After": str(self.retry_after)})
        return None


@dataclass
class CutConnection(Fault):
    """The request is carried out, and the connection breaks before its answer is whole."""

    def after(self, request: Request, response: Response) -> Response:
        return CutResponse(response) if self.meets(request) else response


@dataclass
class LostAnswer(Fault):
    """The request is carried out, and a gateway in between answers that it failed."""

    status: int = 504

    def after(self, request: Request, response: Response) -> Response:
        return Response(status_code=self.status) if self.meets(request) else response


@dataclass
class HiddenRows(Fault):
    """The calling user's role lacks a permission: lists are silently empty."""

    pattern: str = r"GET .*/enrollments/"

    def after(self, request: Request, response: Response) -> Response:
        if response.status_code == 200 and self.meets(request):
            return json_response({"PagingInfo": {"Bookmark": "", "HasMoreItems": False}, "Items": []})
        return response


@dataclass
class Refusal(Fault):
    """A refusal with a body of its own."""

    status: int = 400
    body: bytes = b""
    media_type: str = "application/json"

    def before(self, request: Request) -> Response | None:
        return Response(self.body, self.status, media_type=self.media_type) if self.meets(request) else None


@dataclass
class Turbulence(Fault):
    """A share of requests goes wrong in one way or another, some of them after everything has happened."""

    share: float = 0.1
    chance: random.Random = field(default_factory=lambda: random.Random(0))
    met: Counter[str] = field(default_factory=Counter[str])
    """How often each way was taken."""

    def before(self, request: Request) -> Response | None:
        if self.chance.random() >= self.share or not self.meets(request):
            return None
        way = self.chance.choice(("500", "503", "429", "cut before", "cut after", "500 after", "504 after"))
        self.met[way] += 1
        if way.endswith("after"):
            request.state.lost = way
            return None
        if way == "cut before":
            return CutResponse(Response())
        return Response(status_code=int(way), headers={"Retry-After": "0"} if way == "429" else {})

    def after(self, request: Request, response: Response) -> Response:
        way = getattr(request.state, "lost", None)
        if way is None:
            return response
        return CutResponse(response) if way == "cut after" else Response(status_code=int(way[:3]))

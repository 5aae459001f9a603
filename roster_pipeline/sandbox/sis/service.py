"""The OneRoster service: takes a request through authentication, query, data and faults to an answer."""

from dataclasses import replace
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from roster_pipeline.sandbox.district import District
from roster_pipeline.sandbox.objects import KINDS, LineItem, OneRosterObject, Result
from roster_pipeline.sandbox.sis.answers import ErrorShape, Refusal, StatusInfo, json_response, unknown_object, warning
from roster_pipeline.sandbox.sis.authentication import Authentication
from roster_pipeline.sandbox.sis.listings import Listings, UnknownObject
from roster_pipeline.sandbox.sis.operations import Operation, find_operations
from roster_pipeline.sandbox.sis.page import Page
from roster_pipeline.sandbox.sis.query import Query, links, parse_query
from roster_pipeline.sandbox.sis.recording import RecordedRequest, record
from roster_pipeline.sandbox.sis.wire import Wire

BASE_PATH = "/ims/oneroster/v1p1"
TOKEN_PATH = "/oauth2/token"
#: Collections kept as sorted and filtered, until the data changes.
_KEPT_VIEWS = 64
_GRADEBOOK: set[type[OneRosterObject]] = {LineItem, Result}


class Service:
    """A OneRoster 1.1 service for one district.

    `url` is the address without a path under which the server is reached; links and hrefs start with it.
    """

    def __init__(self, district: District, authentication: Authentication, url: str) -> None:
        self.district = district
        self.authentication = authentication
        self.url = url
        self.prefix = ""
        """What the vendor puts before the standard's base path: `/campus/api`."""
        self.error_shape: ErrorShape = "status_info_set"
        self.requests: list[RecordedRequest] = []
        self._listings = Listings(district)
        self._wire = Wire(district, self.endpoint_url)
        self._views: dict[Any, tuple[int, list[OneRosterObject]]] = {}

    @property
    def base_path(self) -> str:
        return self.prefix + BASE_PATH

    @property
    def endpoint_url(self) -> str:
        return self.url + self.base_path

    def application(self) -> Starlette:
        """The web application."""
        return Starlette(
            routes=[
                Route(TOKEN_PATH, self._token, methods=["POST"]),
                Route("/{path:path}", self._serve, methods=["GET", "PUT", "DELETE", "POST", "PATCH"]),
            ]
        )

    async def _token(self, request: Request) -> Response:
        body = await request.body()
        response = self.authentication.issue_token(dict(request.headers), body)
        self.requests.append(record(request, body, response.status_code, secret_body=True))
        return response

    async def _serve(self, request: Request) -> Response:
        body = await request.body()
        try:
            response = self._answer(request, body)
        except Refusal as refusal:
            info = refusal.info
            response = json_response(info.document(self.error_shape), info.http_status, refusal.headers)
        self.requests.append(record(request, body, response.status_code))
        return response

    def _answer(self, request: Request, body: bytes) -> Response:
        path = request.scope["raw_path"].decode("ascii")
        operations, ids = find_operations(path.removeprefix(self.base_path + "/"))
        if not path.startswith(self.base_path + "/") or not operations:
            raise unknown_object(f"there is nothing at {path}")
        operation = operations.get(request.method)
        if operation is None:
            allowed = ", ".join(sorted(operations))
            raise Refusal(StatusInfo(405, "unsupported", f"{request.method} is not offered here"), {"Allow": allowed})
        self.authentication.check(request, operation.scope)
        query = parse_query(request.url.query)
        with self.district.lock:
            try:
                if operation.collection:
                    return self._page(request, operation, ids, query).render()
                item = self._listings.one(operation.segments[0], ids[0])
            except UnknownObject as error:
                raise unknown_object(str(error)) from None
            return json_response({operation.envelope: self._wire.json(item)})

    def _page(self, request: Request, operation: Operation, ids: tuple[str, ...], query: Query) -> Page:
        items = self._view(operation, ids, query)
        rows = [self._wire.text(item) for item in items[query.offset : query.offset + query.limit]]
        url = self.url + request.scope["raw_path"].decode("ascii")
        return Page(operation.envelope, rows, len(items), links(url, request.url.query, query, len(items)))

    def _view(self, operation: Operation, ids: tuple[str, ...], query: Query) -> list[OneRosterObject]:
        """Everything the path lists, filtered and sorted."""
        revision = sum(self.district.version(kind) for kind in KINDS.values())
        key = (operation.path, ids, query.filter, query.sort, query.order)
        kept = self._views.get(key)
        if kept is None or kept[0] != revision:
            while len(self._views) >= _KEPT_VIEWS:
                self._views.pop(next(iter(self._views)))
            items = self._listings.many(operation.path, ids)
            if query.sort:
                items = sorted(items, key=lambda item: str(getattr(item, "sourced_id")), reverse=query.order == "desc")
            kept = self._views[key] = (revision, items)
        return kept[1]

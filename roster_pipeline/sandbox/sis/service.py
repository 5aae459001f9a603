"""The OneRoster service: takes a request through authentication, query, data and faults to an answer."""

import dataclasses
from collections.abc import Iterable
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from roster_pipeline.sandbox.district import District
from roster_pipeline.sandbox.next_day import next_day
from roster_pipeline.sandbox.objects import KINDS, LineItem, OneRosterObject, Result
from roster_pipeline.sandbox.sis.answers import (
    CutResponse,
    ErrorShape,
    RefusedError,
    StatusInfo,
    json_response,
    unknown_object,
    warning,
)
from roster_pipeline.sandbox.sis.authentication import Authentication
from roster_pipeline.sandbox.sis.faults.base import Call, Fault
from roster_pipeline.sandbox.sis.fields import getter, names_of
from roster_pipeline.sandbox.sis.filtering import parse_filter
from roster_pipeline.sandbox.sis.gradebook import Gradebook
from roster_pipeline.sandbox.sis.listings import Listings, UnknownObjectError
from roster_pipeline.sandbox.sis.operations import find_operations
from roster_pipeline.sandbox.sis.page import Page
from roster_pipeline.sandbox.sis.query import links, parse_query
from roster_pipeline.sandbox.sis.recording import RecordedRequest, record
from roster_pipeline.sandbox.sis.wire import Wire

BASE_PATH = "/ims/oneroster/v1p1"
TOKEN_PATH = "/oauth2/token"  # noqa: S105 - a path
NEXT_DAY_PATH = "/sandbox/next-day"
#: Collections kept filtered and sorted, until the data changes.
_KEPT_VIEWS = 64
#: What clients write; reads of the roster do not depend on it.
_GRADEBOOK: set[type[OneRosterObject]] = {LineItem, Result}


class Service:
    """A OneRoster 1.1 service for one district.

    `url` is the address without a path under which the server is reached; hrefs and links start with it.
    """

    def __init__(
        self, district: District, authentication: Authentication, url: str, faults: Iterable[Fault] = ()
    ) -> None:
        self.district = district
        self.authentication = authentication
        self.url = url
        self.prefix = ""
        """What the vendor puts before the standard's path: `/campus/api`."""
        self.error_shape: ErrorShape = "status_info_set"
        self.requests: list[RecordedRequest] = []
        self.faults: tuple[Fault, ...] = ()
        self._listings = Listings(district)
        self.gradebook = Gradebook(district, self._listings)
        self._wire = Wire(district, self.endpoint_url)
        self._views: dict[Any, tuple[int, list[OneRosterObject]]] = {}
        for fault in faults:
            self.switch_on(fault)

    @property
    def base_path(self) -> str:
        return self.prefix + BASE_PATH

    @property
    def endpoint_url(self) -> str:
        return self.url + self.base_path

    def switch_on(self, fault: Fault) -> None:
        """Let a fault step in from the next request on."""
        fault.prepare(self)
        self.faults = (*self.faults, fault)
        # The address may be another now, and it stands in every href.
        self._wire = Wire(self.district, self.endpoint_url)

    def switch_off(self, fault: Fault) -> None:
        """Let a fault no longer step in; what it changed in the service's set-up or in the data stays."""
        self.faults = tuple(other for other in self.faults if other is not fault)

    def application(self) -> Starlette:
        """The web application."""
        return Starlette(
            routes=[
                Route(TOKEN_PATH, self._token, methods=["POST"]),
                Route(NEXT_DAY_PATH, self._next_day, methods=["POST"]),
                Route("/{path:path}", self._serve, methods=["GET", "PUT", "DELETE", "POST", "PATCH"]),
            ]
        )

    async def _token(self, request: Request) -> Response:
        body = await request.body()
        response = self.authentication.issue_token(dict(request.headers), body)
        self.requests.append(record(request, body, response.status_code, secret_body=True))
        return response

    async def _next_day(self, _: Request) -> Response:
        try:
            return json_response({"changes": next_day(self.district)})
        except ValueError as error:
            return json_response({"error": str(error)}, 409)

    async def _serve(self, request: Request) -> Response:
        body = await request.body()
        try:
            call = self._understand(request, body)
            response = await self._answer(call)
            for fault in self.faults:
                response = fault.change_response(call, response)
        except RefusedError as refusal:
            info = refusal.info
            response = json_response(info.document(self.error_shape), info.http_status, refusal.headers)
        status = None if isinstance(response, CutResponse) else response.status_code
        self.requests.append(record(request, body, status))
        return response

    def _understand(self, request: Request, body: bytes) -> Call:
        """The call that a request is. Raises RefusedError: 400, 401, 403, 404 or 405."""
        path = request.scope["raw_path"].decode("ascii")
        operations, ids = find_operations(path.removeprefix(self.base_path + "/"))
        if not path.startswith(self.base_path + "/") or not operations:
            raise unknown_object(f"there is nothing at {path}")
        operation = operations.get(request.method)
        if operation is None:
            allowed = ", ".join(sorted(operations))
            raise RefusedError(
                StatusInfo(405, "unsupportedoperation", f"only {allowed} is offered here"), {"Allow": allowed}
            )
        self.authentication.check(request, operation.scope)
        call = Call(self, request, operation, ids, parse_query(request.url.query), body)
        for fault in self.faults:
            call = dataclasses.replace(call, query=fault.change_query(call))
        return call

    async def _answer(self, call: Call) -> Response:
        for fault in self.faults:
            if (response := await fault.answer(call)) is not None:
                return response
        with self.district.lock:
            try:
                if call.request.method == "PUT":
                    return self._put(call)
                if call.request.method == "DELETE":
                    return self._delete(call)
                if call.operation.collection:
                    return self._page(call).render()
                item = self._listings.one(call.operation.segments[0], call.ids[0])
            except UnknownObjectError as error:
                raise unknown_object(str(error)) from None
            return json_response({call.operation.envelope: self._row(call, item)})

    def view(self, call: Call) -> list[OneRosterObject]:
        """Everything the path of a call lists, filtered and sorted. Raises UnknownObjectError, RefusedError (400)."""
        query = call.query
        kinds = set(KINDS.values())
        if call.operation.envelope not in ("lineItems", "results"):
            kinds -= _GRADEBOOK
        revision = sum(self.district.version(kind) for kind in kinds)
        key = (call.operation.path, call.ids, query.filter, query.sort, query.order)
        kept = self._views.get(key)
        if kept is None or kept[0] != revision:
            while len(self._views) >= _KEPT_VIEWS:
                self._views.pop(next(iter(self._views)))
            kind = KINDS[call.operation.envelope]
            items = self._listings.many(call.operation.path, call.ids)
            if query.filter:
                items = list(filter(parse_filter(query.filter, kind), items))
            if query.sort and (read := getter(kind, query.sort)):
                items.sort(key=lambda item: [_sortable(value) for value in read(item)], reverse=query.order == "desc")
            kept = self._views[key] = (revision, items)
        return kept[1]

    def _page(self, call: Call) -> Page:
        query, kind = call.query, KINDS[call.operation.envelope]
        items = self.view(call)
        part = items[query.offset : query.offset + query.limit]
        if query.fields or any(fault.changes_rows for fault in self.faults):
            rows = [orjson.dumps(self._row(call, item)) for item in part]
        else:
            rows = [self._wire.text(item) for item in part]
        page = Page(
            call.operation.envelope, rows, len(items), links(call.url, call.request.url.query, query, len(items))
        )
        if query.sort and getter(kind, query.sort) is None:
            page.warnings.append(warning("invalid_sort_field", f"{query.sort} is no field to sort by"))
        if unknown := set(query.fields or ()) - names_of(kind):
            page.warnings.append(
                warning("invalid_selection_field", f"there is no field {', '.join(sorted(unknown))}; all are sent")
            )
        for fault in self.faults:
            fault.change_page(call, page)
        return page

    def _row(self, call: Call, item: OneRosterObject) -> dict[str, Any]:
        row = self._wire.json(item)
        selected = set(call.query.fields or ())
        # The standard has a selection with an unknown field treated as none.
        if selected and selected <= names_of(type(item)):
            row = {key: value for key, value in row.items() if key in selected}
        for fault in self.faults:
            if fault.changes_rows:
                row = fault.change_row(item, row)
        return row

    def _put(self, call: Call) -> Response:
        item = self.gradebook.read(call.collection, call.ids[0], call.body)
        created = item.sourced_id not in self.district.all(type(item))
        if all(fault.stores(call, item) for fault in self.faults):
            self.district.put(item)
        done = StatusInfo(201 if created else 200, "full success", "stored", "success", "status")
        return json_response(done.document(), done.http_status)

    def _delete(self, call: Call) -> Response:
        if all(fault.stores(call, None) for fault in self.faults):
            self.gradebook.delete(call.collection, call.ids[0])
        return Response(status_code=204)


def _sortable(value: Any) -> tuple[bool, float, str]:
    """Numbers in their order, ahead of text in its own: what vendors put into metadata may be of either kind."""
    return (False, float(value), "") if isinstance(value, int | float) else (True, 0.0, str(value))

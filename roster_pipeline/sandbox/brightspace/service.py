"""The web service in front of a tenant: takes a request through faults, token, rate, version and scope to an answer."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from roster_pipeline.sandbox.brightspace import courses, data_hub, grades, organization, people
from roster_pipeline.sandbox.brightspace.answers import CutResponse, Json, json_response, problem
from roster_pipeline.sandbox.brightspace.authorization import Authorization
from roster_pipeline.sandbox.brightspace.data_sets import DataSets
from roster_pipeline.sandbox.brightspace.faults import Fault
from roster_pipeline.sandbox.brightspace.objects import TenantError, forbidden, missing
from roster_pipeline.sandbox.brightspace.operations import Call, Operation
from roster_pipeline.sandbox.brightspace.rate_limit import RateLimit
from roster_pipeline.sandbox.brightspace_tenant import Tenant

TOKEN_PATH = "/core/connect/token"  # noqa: S105 - a path
#: Contracts of the release of June 2026; older ones are gone and answer 404.
SUPPORTED_VERSIONS = {
    "lp": [f"1.{minor}" for minor in range(46, 58)],
    "le": [f"1.{minor}" for minor in range(75, 92)],
}


@dataclass(frozen=True)
class RecordedRequest:
    """One request and the status of its answer; None when the connection was cut."""

    method: str
    path: str
    """After the version: `/users/`; the whole path outside the API."""
    query: str
    status: int | None


class Service:
    """The API and the token service of one tenant. `latency` in seconds."""

    def __init__(
        self,
        tenant: Tenant,
        url: str,
        *,
        rate_limit: RateLimit,
        data_sets: DataSets,
        page_size: int = 100,
        latency: float = 0,
        token_life: float = 3600,
    ) -> None:
        self.tenant = tenant
        self.url = url
        self.rate_limit = rate_limit
        self.data_sets = data_sets
        self.page_size = page_size
        self.latency = latency
        self.authorization = Authorization(url + TOKEN_PATH, token_life)
        self.supported_versions = SUPPORTED_VERSIONS
        self.requests: list[RecordedRequest] = []
        self.faults: list[Fault] = []
        self.most_at_once = 0
        """Requests that were under way at the same time, at most."""
        self._under_way = 0
        role = tenant.role_named("Administrator")
        self.service_user_id = tenant.create_user("service.user", None, "Service", "User", role.id).id

    def application(self) -> Starlette:
        tables = (
            organization.OPERATIONS,
            courses.OPERATIONS,
            people.OPERATIONS,
            grades.OPERATIONS,
            data_hub.operations(self.data_sets),
        )
        application = Starlette(
            routes=[
                Route(TOKEN_PATH, self._answering(self._token), methods=["POST"]),
                Route("/d2l/api/versions/", self._answering(self._all_versions), methods=["GET"]),
                Route("/d2l/api/versions/check", self._answering(self._check_versions), methods=["POST"]),
                Route("/d2l/api/{component}/versions/", self._answering(self._versions), methods=["GET"]),
                *(self._route(operation) for table in tables for operation in table),
            ],
            exception_handlers={404: self._nothing, 405: self._nothing},
        )
        # An address without its trailing slash is another address.
        application.router.redirect_slashes = False
        return application

    def _route(self, operation: Operation) -> Route:
        async def answer(request: Request) -> Response:
            return self._perform(operation, request, await request.body())

        path = f"/d2l/api/{operation.component}/{{version}}{operation.path}"
        return Route(path, self._answering(answer), methods=[operation.method])

    def _answering(self, answer: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            self._under_way += 1
            self.most_at_once = max(self.most_at_once, self._under_way)
            try:
                if self.latency:
                    await asyncio.sleep(self.latency)
                response = await self._with_faults(request, answer)
            finally:
                self._under_way -= 1
            self._record(request, response)
            return response

        return endpoint

    async def _with_faults(self, request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        for fault in self.faults:
            if (response := fault.before(request)) is not None:
                return response
        response = await answer(request)
        for fault in self.faults:
            response = fault.after(request, response)
        return response

    def _perform(self, operation: Operation, request: Request, body: bytes) -> Response:
        headers: dict[str, str] = {}
        try:
            if request.path_params["version"] not in self.supported_versions[operation.component]:
                raise missing("there is no such version of the API")
            if operation.scope is not None:
                token = self.authorization.check(request.headers.get("Authorization"))
                if token is None:
                    raise TenantError(401, "Unauthorized", "the access token is missing, wrong or too old")
                enough, limits = self.rate_limit.spend(token.client_id)
                headers.update(limits)
                if not enough:
                    return Response(status_code=429, headers=headers)
                if operation.scope not in token.scopes:
                    raise forbidden(f"the token lacks the scope {operation.scope}")
            with self.tenant.lock:
                answer = operation.handler(Call(self.tenant, self, request, body))
            response = answer if isinstance(answer, Response) else _answer(answer)
        except TenantError as error:
            response = problem(error, request.url.path)
        response.headers.update(headers)
        return response

    async def _token(self, request: Request) -> Response:
        return self.authorization.issue(await request.body())

    async def _all_versions(self, _: Request) -> Response:
        return json_response([self._product(component) for component in self.supported_versions])

    async def _versions(self, request: Request) -> Response:
        component = request.path_params["component"]
        if component not in self.supported_versions:
            return problem(missing(f"there is no component {component}"))
        return json_response(self._product(component))

    async def _check_versions(self, request: Request) -> Response:
        asked: list[dict[str, Any]] = await request.json()
        answers = [self._checked(each) for each in asked]
        return json_response({"Supported": all(each["Supported"] for each in answers), "Versions": answers})

    def _checked(self, asked: dict[str, Any]) -> Json:
        supported = self.supported_versions.get(asked["ProductCode"], [])
        return {
            "ProductCode": asked["ProductCode"],
            "Version": asked["Version"],
            "Supported": asked["Version"] in supported,
            "LatestVersion": supported[-1] if supported else None,
        }

    def _product(self, component: str) -> Json:
        versions = self.supported_versions[component]
        return {"ProductCode": component, "LatestVersion": versions[-1], "SupportedVersions": versions}

    async def _nothing(self, request: Request, _: Exception) -> Response:
        response = problem(missing(f"there is nothing at {request.url.path}"))
        self._record(request, response)
        return response

    def _record(self, request: Request, response: Response) -> None:
        path = re.sub(r"^/d2l/api/[a-z]+/\d+\.\d+", "", request.url.path)
        status = None if isinstance(response, CutResponse) else response.status_code
        self.requests.append(RecordedRequest(request.method, path, request.url.query, status))


def _answer(document: Any) -> Response:
    return Response() if document is None else json_response(document)


def all_scopes() -> frozenset[str]:
    """Every scope that an operation asks for."""
    tables: Iterable[Iterable[Operation]] = (
        organization.OPERATIONS,
        courses.OPERATIONS,
        people.OPERATIONS,
        grades.OPERATIONS,
    )
    scopes = {operation.scope for table in tables for operation in table if operation.scope}
    return frozenset({*scopes, "datasets:bds:read", data_hub.OLDER_READ, data_hub.OLDER_DOWNLOAD})

"""One operation of the API: method, path, scope, and the function that does it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Protocol, TypeVar, cast

import orjson
from starlette.requests import Request

from roster_pipeline.sandbox.brightspace.objects import invalid
from roster_pipeline.sandbox.brightspace_tenant import Tenant

Component = Literal["lp", "le"]
#: What the operations need that have no scope of their own.
GENERAL_SCOPE = "core:*:*"


class Settings(Protocol):
    """What the service lets its operations know."""

    page_size: int
    service_user_id: int


@dataclass(frozen=True)
class Call:
    """One request to one operation."""

    tenant: Tenant
    settings: Settings
    request: Request
    body: bytes

    def id(self, name: str = "id") -> int:
        """A number out of the path."""
        return int(self.request.path_params[name])

    def query(self, name: str) -> str | None:
        return self.request.query_params.get(name)

    @cached_property
    def json(self) -> Any:
        """Raises TenantError (400) when the body is no JSON."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            raise invalid("the body is no JSON") from None

    def field(self, name: str, kind: type | tuple[type, ...], default: Any = ...) -> Any:
        """A field of the JSON body, of the given kind. Raises TenantError (400)."""
        return field(self.json, name, kind, default)


def field(block: Any, name: str, kind: type | tuple[type, ...], default: Any = ...) -> Any:
    """A field of a JSON object; `default` makes it optional and nullable. Raises TenantError (400)."""
    if not isinstance(block, dict):
        raise invalid("the body must be a JSON object")
    value = cast("dict[str, Any]", block).get(name)
    if value is None and default is not ...:
        return default
    # A truth value is no number, though Python says so.
    if not isinstance(value, kind) or (type(value) is bool and kind is int):
        raise invalid(f"{name} is missing or of the wrong type")
    return value


Handler = Callable[[Call], Any]
AnyHandler = TypeVar("AnyHandler", bound=Handler)


@dataclass(frozen=True)
class Operation:
    """`path` comes after component and version; trailing slashes count. The handler gives what becomes JSON."""

    method: Literal["GET", "POST", "PUT", "DELETE"]
    component: Component
    path: str
    scope: str | None
    """None: whoever asks is answered."""
    handler: Handler


class Operations(list[Operation]):
    """A table of operations, filled by decorating their handlers."""

    def add(
        self,
        method: Literal["GET", "POST", "PUT", "DELETE"],
        path: str,
        scope: str | None = GENERAL_SCOPE,
        component: Component = "lp",
    ) -> Callable[[AnyHandler], AnyHandler]:
        def register(handler: AnyHandler) -> AnyHandler:
            self.append(Operation(method, component, path, scope, handler))
            return handler

        return register

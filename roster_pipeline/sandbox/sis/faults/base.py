"""What a fault is: a few places in the life of a request where it can step in."""
# ruff: noqa: ARG002 - every fault is handed the same, whatever of it it needs

from __future__ import annotations

import re
from dataclasses import MISSING, dataclass, field, fields
from typing import TYPE_CHECKING, ClassVar

from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from roster_pipeline.sandbox.objects import OneRosterObject
from roster_pipeline.sandbox.sis.operations import Operation
from roster_pipeline.sandbox.sis.page import Page
from roster_pipeline.sandbox.sis.query import Query
from roster_pipeline.sandbox.sis.wire import Json

if TYPE_CHECKING:
    from roster_pipeline.sandbox.sis.service import Service


@dataclass(frozen=True)
class Call:
    """One request that the SIS understood."""

    service: Service
    request: Request
    operation: Operation
    ids: tuple[str, ...]
    """The sourcedIds of the path, decoded."""
    query: Query
    body: bytes

    @property
    def collection(self) -> str:
        """The last name of the path: `enrollments` in /classes/{id}/enrollments, `results` in /results/{id}."""
        return [segment for segment in self.operation.segments if segment != "{id}"][-1]

    @property
    def url(self) -> str:
        """What was asked for, percent-encoded and without the query."""
        raw_path: bytes = self.request.scope["raw_path"]
        return self.service.url + raw_path.decode("ascii")

    @property
    def page(self) -> int:
        """Number of the page asked for, from 1."""
        return self.query.offset // self.query.limit + 1


@dataclass(eq=False)
class Fault:
    """Something a SIS does otherwise than the standard says. Subclasses are dataclasses; their fields are parameters.

    A fault overrides the methods where it steps in; they are called in the order in which they stand here, and each
    may raise RefusedError. The name of a fault is the name of its class in snake_case, its description the first line
    of its docstring.
    """

    by_name: ClassVar[dict[str, type[Fault]]] = {}
    changes_rows: ClassVar[bool] = False
    """Whether `change_row` does anything; without it the SIS sends rows it has ready."""

    def __init_subclass__(cls, *, abstract: bool = False) -> None:
        if not abstract:
            cls.by_name[cls.name()] = cls

    @classmethod
    def name(cls) -> str:
        return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()

    @classmethod
    def description(cls) -> str:
        return (cls.__doc__ or "").split("\n", 1)[0]

    def prepare(self, service: Service) -> None:
        """Change how the service is set up, when the fault is switched on; that stays as long as the service."""

    def change_query(self, call: Call) -> Query:
        """Read the query otherwise."""
        return call.query

    async def answer(self, call: Call) -> Response | None:
        """Answer in the SIS's place, or do something behind its back."""
        return None

    def change_row(self, item: OneRosterObject, row: Json) -> Json:
        """Change the JSON of one object on its way out."""
        return row

    def change_page(self, call: Call, page: Page) -> None:
        """Change a page on its way out."""

    def stores(self, call: Call, item: OneRosterObject | None) -> bool:
        """Whether a PUT of `item`, or a DELETE (None), is carried out, or only answered."""
        return True

    def change_response(self, call: Call, response: Response) -> Response:
        """Change an answer on its way out."""
        return response


@dataclass(eq=False)
class Aimed(Fault, abstract=True):
    """A fault that strikes certain requests only, and only so often."""

    resource: str | None = None
    """Last name of the path; None for all."""
    method: str | None = None
    page: int | None = None
    """From which page on; None for all."""
    count: int | None = 1
    """How many requests; None for all."""
    struck: int = field(default=0, init=False, repr=False)

    def strikes(self, call: Call) -> bool:
        """Whether it is this request's turn; counts it when it is."""
        strikes = (
            self.resource in (None, call.collection)
            and self.method in (None, call.request.method)
            and (self.page is None or call.page >= self.page)
            and (self.count is None or self.struck < self.count)
        )
        self.struck += strikes
        return strikes


def parse_fault(text: str) -> Fault:
    """A fault as the command line names it: `unavailable`, or `unavailable:resource=users,count=none`.

    Raises ValueError, with the remedy, for a name or parameter that there is not.
    """
    name, _, rest = text.partition(":")
    kind = Fault.by_name.get(name.strip().replace("-", "_"))
    if kind is None:
        raise ValueError(f"there is no fault {name!r}; there are: {', '.join(sorted(Fault.by_name))}")
    known = parameters(kind)
    given: dict[str, str | None] = {}
    for part in filter(None, rest.split(",")):
        key, _, value = part.partition("=")
        if key.strip() not in known:
            raise ValueError(f"fault {name} has no parameter {key!r}; it has: {', '.join(known) or 'none'}")
        given[key.strip()] = None if value.strip() == "none" else value.strip()
    try:
        fault: Fault = TypeAdapter(kind).validate_python(given)
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"fault {name}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    return fault


def parameters(kind: type[Fault]) -> dict[str, str]:
    """Names of a fault's parameters, with their default values as text, or `required`."""
    return {
        field.name: "required" if field.default is MISSING else str(field.default)
        for field in fields(kind)
        if field.init
    }


def describe_faults() -> list[tuple[str, str, dict[str, str]]]:
    """Name, description and parameters of every fault, by name."""
    return [(name, kind.description(), parameters(kind)) for name, kind in sorted(Fault.by_name.items())]

"""What a fault is: a few places in the life of a request where it can step in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

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
    def page(self) -> int:
        """Number of the page asked for, from 1."""
        return self.query.offset // self.query.limit + 1


class Fault:
    """Something a SIS does otherwise than the standard says. Subclasses are dataclasses; fields are parameters.

    The methods are called in the order in which they stand here; each does nothing unless a fault overrides it.
    """

    by_name: ClassVar[dict[str, type[Fault]]] = {}

    def prepare(self, service: Service) -> None:
        """When the fault is switched on."""

    def change_query(self, call: Call) -> Query:
        """Read the query otherwise."""
        return call.query

    async def answer(self, call: Call) -> Response | None:
        """Answer in the SIS's place."""
        return None

    def filter_or_sort(self, call: Call, query: Query) -> Query:
        """Refuse or forget sort and filter. Raises Refusal."""
        return query

    #: Changes one row of any read; None where the fault leaves rows alone.
    change_row: Callable[[OneRosterObject, Json], Json] | None = None

    def change_page(self, call: Call, page: Page) -> None:
        """Change a page before it goes out."""

    def stores(self, call: Call, item: OneRosterObject | None) -> bool:
        """Whether a write (None: a DELETE) is carried out. Raises Refusal."""
        return True

    def change_response(self, call: Call, response: Response) -> Response:
        """Change an answer before it goes out."""
        return response

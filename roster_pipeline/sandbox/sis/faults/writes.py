"""Faults of writes to the gradebook, and of its categories."""
# ruff: noqa: ARG002 - every fault is handed the same, whatever of it it needs

from dataclasses import dataclass, field

from starlette.responses import Response

from roster_pipeline.sandbox.objects import LineItem, OneRosterObject, Result
from roster_pipeline.sandbox.sis.answers import CutResponse, unknown_object, unprocessable
from roster_pipeline.sandbox.sis.faults.base import Aimed, Call, Fault


@dataclass(eq=False)
class PutAnswers(Fault):
    """Every PUT that is accepted is answered with the same status: 200, 201, or 204 without a body."""

    status: int = 200

    def change_response(self, call: Call, response: Response) -> Response:
        if call.request.method != "PUT":
            return response
        if self.status == 204:
            return Response(status_code=204)
        return Response(bytes(response.body), self.status, media_type="application/json")


class PutAnswersNothing(Fault):
    """A PUT that is accepted is answered with an empty body."""

    def change_response(self, call: Call, response: Response) -> Response:
        return Response(b"", response.status_code) if call.request.method == "PUT" else response


@dataclass(eq=False)
class PutClosedPeriod(Fault):
    """Line items in a closed session, and results of them, are refused with 422."""

    session: str | None = None
    """sourcedId of the closed term or grading period; None when all are closed."""

    def stores(self, call: Call, item: OneRosterObject | None) -> bool:
        if isinstance(item, Result):
            item = call.service.district.get(LineItem, item.line_item_sourced_id)
        if isinstance(item, LineItem) and self.session in (None, item.grading_period_sourced_id):
            raise unprocessable("the grading period is closed")
        return True


@dataclass(eq=False)
class PutRefusedForStudent(Fault):
    """Results of one student are refused with 422, as often as told."""

    student: str
    """sourcedId."""
    count: int | None = 1
    refused: int = field(default=0, init=False, repr=False)

    def stores(self, call: Call, item: OneRosterObject | None) -> bool:
        if isinstance(item, Result) and item.student_sourced_id == self.student and self.refused != self.count:
            self.refused += 1
            raise unprocessable("the student's gradebook is locked")
        return True


@dataclass(eq=False)
class PutNotStored(Aimed):
    """A PUT is answered as if it were carried out, and stores nothing."""

    count: int | None = None

    def stores(self, call: Call, item: OneRosterObject | None) -> bool:
        return item is None or not self.strikes(call)


class DeleteWithoutEffect(Fault):
    """A DELETE is answered with 204 and deletes nothing, as in Skyward."""

    def stores(self, call: Call, item: OneRosterObject | None) -> bool:
        return item is not None


@dataclass(eq=False)
class WriteAnswerLost(Aimed):
    """A write is carried out, but the connection is cut before the answer is through."""

    def change_response(self, call: Call, response: Response) -> Response:
        is_write = call.request.method != "GET"
        return CutResponse(response) if is_write and self.strikes(call) else response


class CategoriesByClassMissing(Fault):
    """Categories are listed for the whole district only; by class the answer is 404."""

    async def answer(self, call: Call) -> Response | None:
        if call.operation.path == "classes/{id}/categories":
            raise unknown_object("there is nothing here")
        return None

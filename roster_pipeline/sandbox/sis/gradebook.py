"""Writes to the gradebook: line items and results are created, replaced and deleted by the sourcedId in the path.

Source: OneRoster 1.1 REST binding, sections 3.3 (calls) and 5 (line item, result, GUIDRef).
"""

from datetime import date, datetime
from typing import Annotated, Any, Literal

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictFloat, StrictInt, ValidationError

from roster_pipeline.sandbox.district import District
from roster_pipeline.sandbox.objects import AcademicSession, Category, Class, LineItem, OneRosterObject, Result
from roster_pipeline.sandbox.sis.answers import bad_request, forbidden, unknown_object, unprocessable
from roster_pipeline.sandbox.sis.listings import Listings


def _date_time(text: str) -> str:
    if "T" not in text or datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("must be a dateTime with a zone, like 2026-10-01T00:00:00.000Z")
    return text


def _date(text: str) -> str:
    if len(text) != len("2026-10-01"):
        raise ValueError("must be a date, like 2026-10-01")
    return date.fromisoformat(text).isoformat()


DateTimeText = Annotated[str, AfterValidator(_date_time)]
DateText = Annotated[str, AfterValidator(_date)]
Number = StrictFloat | StrictInt


class _Body(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)


class _Reference(_Body):
    href: str
    sourcedId: str = Field(min_length=1)  # noqa: N815 - the standard's name, as everywhere below
    type: str


class _ObjectBody(_Body):
    sourcedId: str = Field(min_length=1)  # noqa: N815
    status: Literal["active", "tobedeleted"]
    dateLastModified: DateTimeText  # noqa: N815
    metadata: dict[str, Any] | None = None


class _LineItemBody(_ObjectBody):
    title: str = Field(min_length=1)
    description: str | None = None
    assignDate: DateTimeText  # noqa: N815
    dueDate: DateTimeText  # noqa: N815
    class_: _Reference = Field(alias="class")
    category: _Reference | None = None
    gradingPeriod: _Reference  # noqa: N815
    resultValueMin: Number  # noqa: N815
    resultValueMax: Number  # noqa: N815


class _ResultBody(_ObjectBody):
    lineItem: _Reference  # noqa: N815
    student: _Reference
    scoreStatus: Literal["exempt", "fully graded", "not submitted", "partially graded", "submitted"]  # noqa: N815
    score: Number
    scoreDate: DateText  # noqa: N815
    comment: str | None = None


class Gradebook:
    """What of the gradebook's writes the SIS accepts."""

    def __init__(self, district: District, listings: Listings) -> None:
        self._district = district
        self._listings = listings
        self.needs_category = True
        """The standard has a category in every line item; Infinite Campus takes them without."""
        self.needs_grading_period = False
        """Whether the session of a line item has to be of the type gradingPeriod; else a term will do."""

    def read(self, collection: str, sourced_id: str, body: bytes) -> OneRosterObject:
        """The object a PUT brings. Raises RefusedError: 400 for what is no such object, 422 for what cannot be."""
        if collection == "categories":
            raise forbidden("categories are kept in the SIS only")
        model, envelope = (_LineItemBody, "lineItem") if collection == "lineItems" else (_ResultBody, "result")
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError:
            raise bad_request("the body is not JSON") from None
        if not isinstance(document, dict) or not isinstance(document.get(envelope), dict):
            raise bad_request(f'the body must be {{"{envelope}": {{…}}}}')
        try:
            given = model.model_validate(document[envelope])
        except ValidationError as error:
            faults = (f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
            raise unprocessable("; ".join(faults)) from None
        if given.sourcedId != sourced_id:
            raise bad_request("the sourcedId of the body is not that of the path")
        if isinstance(given, _LineItemBody):
            return self._line_item(given)
        return self._result(given)

    def delete(self, collection: str, sourced_id: str) -> None:
        """Forget an object; a line item takes its results along. Raises RefusedError (403, 404)."""
        if collection == "categories":
            raise forbidden("categories are kept in the SIS only")
        kind = LineItem if collection == "lineItems" else Result
        if sourced_id not in self._district.all(kind):
            raise unknown_object(f"{collection} has no {sourced_id}")
        for result in self._listings.results_of_line_item(sourced_id) if kind is LineItem else []:
            self._district.remove(Result, result.sourced_id)
        self._district.remove(kind, sourced_id)

    def _line_item(self, given: _LineItemBody) -> LineItem:
        if given.category is None and self.needs_category:
            raise unprocessable("category: Field required")
        session = self._district.all(AcademicSession).get(given.gradingPeriod.sourcedId)
        if given.class_.sourcedId not in self._district.all(Class):
            raise unprocessable("class: there is no such class")
        if given.category is not None and given.category.sourcedId not in self._district.all(Category):
            raise unprocessable("category: there is no such category")
        if session is None or (self.needs_grading_period and session.type != "gradingPeriod"):
            raise unprocessable("gradingPeriod: there is no such grading period")
        if given.resultValueMax < given.resultValueMin:
            raise unprocessable("resultValueMax: is below resultValueMin")
        return LineItem(
            sourced_id=given.sourcedId,
            status=given.status,
            date_last_modified=given.dateLastModified,
            metadata=given.metadata,
            title=given.title,
            description=given.description,
            assign_date=given.assignDate,
            due_date=given.dueDate,
            class_sourced_id=given.class_.sourcedId,
            category_sourced_id=given.category.sourcedId if given.category else None,
            grading_period_sourced_id=given.gradingPeriod.sourcedId,
            result_value_min=float(given.resultValueMin),
            result_value_max=float(given.resultValueMax),
        )

    def _result(self, given: _ResultBody) -> Result:
        line_item = self._district.all(LineItem).get(given.lineItem.sourcedId)
        if line_item is None:
            raise unprocessable("lineItem: there is no such line item")
        if not self._listings.is_enrolled(given.student.sourcedId, line_item.class_sourced_id):
            raise unprocessable("student: is not enrolled in the class of the line item")
        return Result(
            sourced_id=given.sourcedId,
            status=given.status,
            date_last_modified=given.dateLastModified,
            metadata=given.metadata,
            line_item_sourced_id=given.lineItem.sourcedId,
            student_sourced_id=given.student.sourcedId,
            score_status=given.scoreStatus,
            score=float(given.score),
            score_date=given.scoreDate,
            comment=given.comment,
        )

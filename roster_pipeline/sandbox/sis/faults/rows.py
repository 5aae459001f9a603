"""Faults of the JSON of objects, and of rows that come and go while a client pages."""
# ruff: noqa: ARG002 - every fault is handed the same, whatever of it it needs

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from starlette.responses import Response

from roster_pipeline.sandbox.objects import OneRosterObject, User
from roster_pipeline.sandbox.sis.faults.base import Aimed, Call, Fault
from roster_pipeline.sandbox.sis.wire import Json

_ENUMERATIONS = ("status", "role", "type", "classType", "scoreStatus")
_OPTIONAL = (
    "middleName",
    "identifier",
    "email",
    "sms",
    "phone",
    "classCode",
    "location",
    "parent",
    "beginDate",
    "endDate",
)


class RowFault(Fault, abstract=True):
    """A fault of every row."""

    changes_rows: ClassVar[bool] = True


class StatusMissing(RowFault):
    """Objects have no status."""

    def change_row(self, item: OneRosterObject, row: Json) -> Json:
        return {key: value for key, value in row.items() if key != "status"}


class LastModifiedMissing(RowFault):
    """Objects have no dateLastModified."""

    def change_row(self, item: OneRosterObject, row: Json) -> Json:
        return {key: value for key, value in row.items() if key != "dateLastModified"}


class ReferencesAsText(RowFault):
    """References are the sourcedId alone, not an object."""

    def change_row(self, item: OneRosterObject, row: Json) -> Json:
        return {key: _reference_as_text(value) for key, value in row.items()}


class BooleansAsText(RowFault):
    """Booleans are the words true and false in quotes."""

    def change_row(self, item: OneRosterObject, row: Json) -> Json:
        return {key: str(value).lower() if isinstance(value, bool) else value for key, value in row.items()}


class NumbersAsText(RowFault):
    """Numbers stand in quotes."""

    def change_row(self, item: OneRosterObject, row: Json) -> Json:
        return {key: str(value) if isinstance(value, float) else value for key, value in row.items()}


class WrongCaseEnumerations(RowFault):
    """Enumerated values are in capitals: ACTIVE, STUDENT, SCHOOL."""

    def change_row(self, item: OneRosterObject, row: Json) -> Json:
        return {key: value.upper() if key in _ENUMERATIONS else value for key, value in row.items()}


class NullLists(RowFault):
    """A list without elements is null."""

    def change_row(self, item: OneRosterObject, row: Json) -> Json:
        return {key: None if value == [] else value for key, value in row.items()}


class NullOptionals(RowFault):
    """Optional fields without a value are there, and null."""

    def change_row(self, item: OneRosterObject, row: Json) -> Json:
        possible = (name for name in _OPTIONAL if hasattr(item, _attribute(name)))
        return {**dict.fromkeys(possible), **row}


class SingleValuesInsteadOfLists(RowFault):
    """A list of one element is that element."""

    def change_row(self, item: OneRosterObject, row: Json) -> Json:
        return {key: value[0] if isinstance(value, list) and len(value) == 1 else value for key, value in row.items()}


@dataclass(eq=False)
class RowInsertedWhilePaging(Aimed):
    """Before the second page a row comes in ahead of all others, so that the last row of a page comes again."""

    resource: str | None = "users"
    page: int | None = 2

    async def answer(self, call: Call) -> Response | None:
        if call.operation.collection and self.strikes(call):
            district = call.service.district
            with district.lock:
                first = call.service.view(call)[0]
                # "!" sorts before letters and digits.
                inserted = replace(first, sourced_id=f"!inserted-{first.sourced_id}")
                if isinstance(inserted, User):
                    inserted = replace(inserted, username=f"inserted.{inserted.username}")
                district.put_first(inserted)
        return None


@dataclass(eq=False)
class RowDeletedWhilePaging(Aimed):
    """Before the second page the very first row goes, so that the first row of a page is never seen."""

    resource: str | None = "enrollments"
    page: int | None = 2

    async def answer(self, call: Call) -> Response | None:
        if call.operation.collection and self.strikes(call):
            with call.service.district.lock:
                first = call.service.view(call)[0]
                call.service.district.remove(type(first), first.sourced_id)
        return None


def _reference_as_text(value: Any) -> Any:
    if isinstance(value, list):
        return [_reference_as_text(element) for element in value]
    if isinstance(value, dict) and "sourcedId" in value:
        return value["sourcedId"]
    return value


def _attribute(key: str) -> str:
    words = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in key)
    return f"{words}_sourced_id" if key == "parent" else words

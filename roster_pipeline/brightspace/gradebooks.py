"""Gradebooks over the API: categories, items, SIS settings, scores, exemptions, dates of activities."""

from collections.abc import Iterator
from typing import Any

from roster_pipeline.brightspace.connection import ApiConnection
from roster_pipeline.brightspace.models import (
    ActivityDates,
    GradeCategory,
    GradeItem,
    Score,
    SisSettings,
    parse_time,
    rich_text,
)
from roster_pipeline.brightspace.paging import object_list

#: Rows on a page of scores.
_PAGE_SIZE = 200


class Gradebooks:
    """The gradebook of an offering. The API tells neither what was deleted nor when an item changed.

    Of all this only categories are written. They can be made and marked for the SIS, but not renamed: D2L's API has a
    POST and a DELETE of categories and no PUT.
    """

    def __init__(self, connection: ApiConnection) -> None:
        self._connection = connection

    def categories(self, offering_id: int) -> list[GradeCategory]:
        found = self._connection.get("le", f"/{offering_id}/grades/categories/")
        return [GradeCategory(int(each["Id"]), each["Name"]) for each in found]

    def create_category(self, offering_id: int, name: str) -> int:
        """Make a category and tell its id. Raises OutcomeUnknownError where it may have been made."""
        body = {
            "Name": name,
            "ShortName": "",
            "CanExceedMax": False,
            "ExcludeFromFinalGrade": False,
            "StartDate": None,
            "EndDate": None,
            "Weight": None,
            "MaxPoints": None,
            "AutoPoints": None,
            "WeightDistributionType": None,
            "NumberOfHighestToDrop": None,
            "NumberOfLowestToDrop": None,
        }
        return int(self._connection.post("le", f"/{offering_id}/grades/categories/", body)["Id"])

    def change_category_settings(self, offering_id: int, category_id: int, settings: SisSettings) -> None:
        body = {
            "ExportToSIS": bool(settings.export_to_sis),
            "AcademicSessionOrgUnitId": settings.session_org_unit_id,
        }
        self._connection.put("le", f"/{offering_id}/grades/categories/{category_id}/ipsis", body)

    def items(self, offering_id: int) -> list[GradeItem]:
        return [_item(each) for each in self._connection.get("le", f"/{offering_id}/grades/")]

    def item_settings(self, offering_id: int, item_id: int) -> SisSettings:
        block = self._connection.get("le", f"/{offering_id}/grades/{item_id}/ipsis")
        return SisSettings(block["AcademicSessionOrgUnitId"])

    def category_settings(self, offering_id: int, category_id: int) -> SisSettings:
        block = self._connection.get("le", f"/{offering_id}/grades/categories/{category_id}/ipsis")
        return SisSettings(block["AcademicSessionOrgUnitId"], block["ExportToSIS"])

    def scores(self, offering_id: int, item_id: int) -> Iterator[Score]:
        """One for each learner who has a mark."""
        path = f"/{offering_id}/grades/{item_id}/values/"
        for row in object_list(self._connection, "le", path, pageSize=_PAGE_SIZE):
            if row["GradeValue"] is not None:
                yield _score(row["User"], row["GradeValue"])

    def exempt_user_ids(self, offering_id: int, item_id: int) -> set[int]:
        found = self._connection.get("le", f"/{offering_id}/grades/{item_id}/exemptions/")
        return {int(each["Identifier"]) for each in found}

    def activity_dates(self, offering_id: int) -> dict[int, ActivityDates]:
        """By item: dates of the assignment, quiz or discussion topic that it is linked to."""
        dates: dict[int, ActivityDates] = {}
        for folder in self._connection.get("le", f"/{offering_id}/dropbox/folders/"):
            availability = folder["Availability"]
            end = availability["EndDate"] if availability else None
            _note(dates, folder["GradeItemId"], folder["DueDate"], end)
        for quiz in object_list(self._connection, "le", f"/{offering_id}/quizzes/"):
            _note(dates, quiz["GradeItemId"], quiz["DueDate"], quiz["EndDate"])
        for forum in self._connection.get("le", f"/{offering_id}/discussions/forums/"):
            path = f"/{offering_id}/discussions/forums/{forum['ForumId']}/topics/"
            for topic in self._connection.get("le", path):
                # Topics have no due date.
                _note(dates, topic["GradeItemId"], None, topic["EndDate"])
        return dates


def _item(block: Any) -> GradeItem:
    return GradeItem(
        int(block["Id"]),
        block["Name"],
        block["GradeType"],
        block.get("MaxPoints"),
        # Both 0 and null say that there is none.
        block["CategoryId"] or None,
        rich_text(block["Description"], "Text"),
    )


def _score(user: Any, value: Any) -> Score:
    return Score(
        int(user["Identifier"]),
        user["OrgDefinedId"],
        value.get("PointsNumerator"),
        value.get("PointsDenominator"),
        rich_text(value.get("Comments"), "Text"),
        parse_time(value.get("LastModified")),
    )


def _note(dates: dict[int, ActivityDates], item_id: int | None, due: str | None, end: str | None) -> None:
    if item_id:
        dates[item_id] = ActivityDates(parse_time(due), parse_time(end))

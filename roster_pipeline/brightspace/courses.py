"""Templates, offerings, sections and course copies over the API."""

from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

from roster_pipeline.brightspace.connection import ApiConnection
from roster_pipeline.brightspace.errors import NotFoundError, OutcomeUnknownError, RefusedError
from roster_pipeline.brightspace.models import Offering, Section, parse_time, rich_text, utc_text

#: Section settings of an offering that has none: nobody is spread over sections automatically.
_SECTION_SETTINGS = {
    "EnrollmentStyle": 1,
    "EnrollmentQuantity": 20,
    "AutoEnroll": False,
    "RandomizeEnrollments": False,
    "DescriptionsVisibleToEnrollees": True,
}

CopyState = Literal["pending", "done", "failed"]
_COPY_STATES: dict[str, CopyState] = {"COMPLETE": "done", "FAILED": "failed", "CANCELLED": "failed"}


class Courses:
    """Creations raise OutcomeUnknownError where no clear answer came."""

    def __init__(self, connection: ApiConnection) -> None:
        self._connection = connection

    def create_template(self, name: str, code: str, parent_ids: list[int]) -> int:
        """The new template's id."""
        # A path that is not empty is refused; Brightspace makes one.
        block = {"Name": name, "Code": code, "Path": "", "ParentOrgUnitIds": parent_ids}
        return int(self._connection.post("lp", "/coursetemplates/", block)["Identifier"])

    def change_template(self, id_: int, name: str, code: str) -> None:
        self._connection.put("lp", f"/coursetemplates/{id_}", {"Name": name, "Code": code})

    def create_offering(
        self,
        name: str,
        code: str,
        template_id: int,
        semester_id: int | None,
        start_date: datetime | None,
        end_date: datetime | None,
    ) -> Offering:
        """A new offering, active: creation cannot say otherwise. Other parents than these two are added after."""
        block = {
            "Name": name,
            "Code": code,
            "Path": "",
            "CourseTemplateId": template_id,
            "SemesterId": semester_id,
            "StartDate": utc_text(start_date),
            "EndDate": utc_text(end_date),
            "LocaleId": None,
            "ForceLocale": False,
            "ShowAddressBook": False,
            "Description": {"Content": "", "Type": "Html"},
            "CanSelfRegister": None,
        }
        return _offering(self._connection.post("lp", "/courses/", block))

    def offering(self, id_: int) -> Offering | None:
        """None where it is not there or in the recycle bin."""
        try:
            return _offering(self._connection.get("lp", f"/courses/{id_}"))
        except NotFoundError:
            return None

    def change_offering(self, offering: Offering, **changes: Any) -> Offering:
        """Write the offering with some fields changed; the call replaces all of them. Raises NotFoundError."""
        wanted = replace(offering, **changes)
        if wanted == offering:
            return offering
        block = {
            "Name": wanted.name,
            "Code": wanted.code,
            "StartDate": utc_text(wanted.start_date),
            "EndDate": utc_text(wanted.end_date),
            "IsActive": wanted.is_active,
            "Description": {"Content": wanted.description, "Type": "Html"},
            "CanSelfRegister": wanted.can_self_register,
        }
        self._connection.put("lp", f"/courses/{offering.id}", block)
        return wanted

    def ensure_section_settings(self, offering_id: int) -> None:
        """Without settings an offering takes no sections. Settings that are there stay as they are."""
        if self._has_section_settings(offering_id):
            return
        try:
            self._connection.post("lp", f"/{offering_id}/sections/settings", _SECTION_SETTINGS)
        except (OutcomeUnknownError, RefusedError):
            # Done after all, by the try that got no answer or by somebody else?
            if not self._has_section_settings(offering_id):
                raise

    def _has_section_settings(self, offering_id: int) -> bool:
        try:
            self._connection.get("lp", f"/{offering_id}/sections/settings")
        except NotFoundError:
            return False
        return True

    def sections(self, offering_id: int) -> list[Section]:
        """Empty also where the offering has no section settings."""
        try:
            return [_section(each) for each in self._connection.get("lp", f"/{offering_id}/sections/")]
        except NotFoundError:
            return []

    def create_section(self, offering_id: int, name: str, code: str) -> Section:
        """In an offering that has section settings."""
        block = {"Name": name, "Code": code, "Description": {"Content": "", "Type": "Html"}}
        return _section(self._connection.post("lp", f"/{offering_id}/sections/", block))

    def change_section(self, offering_id: int, section_id: int, name: str, code: str) -> None:
        """Name and code; the description stays. Raises NotFoundError."""
        path = f"/{offering_id}/sections/{section_id}"
        section = _section(self._connection.get("lp", path))
        description = {"Content": section.description, "Type": "Html"}
        self._connection.put("lp", path, {"Name": name, "Code": code, "Description": description})

    def enroll_in_section(self, offering_id: int, section_id: int, user_id: int) -> None:
        """The user has to be in the offering and keeps the role of there."""
        path = f"/{offering_id}/sections/{section_id}/enrollments/"
        self._connection.post("lp", path, {"UserId": user_id}, repeatable=True)

    def copy_content(self, target_id: int, source_id: int) -> str:
        """Queue a copy of everything in a course; the job's token."""
        block = {"SourceOrgUnitId": source_id, "Components": None}
        token: str = self._connection.post("le", f"/import/{target_id}/copy/", block)["JobToken"]
        return token

    def copy_state(self, target_id: int, token: str) -> CopyState:
        state = self._connection.get("le", f"/import/{target_id}/copy/{token}")["Status"]
        return _COPY_STATES.get(state, "pending")


def _offering(block: Any) -> Offering:
    return Offering(
        int(block["Identifier"]),
        block["Name"],
        block["Code"],
        block["IsActive"],
        parse_time(block["StartDate"]),
        parse_time(block["EndDate"]),
        _id(block.get("CourseTemplate")),
        _id(block.get("Semester")),
        rich_text(block.get("Description"), "Html"),
        block.get("CanSelfRegister"),
    )


def _section(block: Any) -> Section:
    return Section(
        int(block["SectionId"]),
        block["Name"],
        block["Code"],
        rich_text(block.get("Description"), "Html"),
    )


def _id(block: Any) -> int | None:
    return int(block["Identifier"]) if block else None

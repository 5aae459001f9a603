"""What classes, courses, orgs and sessions become in Brightspace."""

from typing import Literal

from pydantic import Field

from roster_pipeline.settings.base import Section
from roster_pipeline.settings.people import Status

OrgType = Literal["department", "district", "local", "national", "school", "state"]
SessionType = Literal["gradingPeriod", "schoolYear", "semester", "term"]


class LinkCourses(Section):
    sections: bool = False
    offerings: bool = False
    templates: bool = False


class Dates(Section):
    """Start and end of an offering, taken from a session of its class."""

    inherit: bool = False
    session_type: SessionType = "term"
    start_offset_days: int = Field(0, ge=-365, le=365)
    end_offset_days: int = Field(0, ge=-365, le=365)


class ContentCopy(Section):
    enabled: bool = False
    source: Literal["same_code", "parent_template", "sibling"] = Field("same_code", alias="from")


class Unenroll(Section):
    after_end_date: bool = Field(False, description="Leave course and section when the enrollment's end date has come")
    when_org_left: bool = Field(False, description="Leave a school or district that the user no longer lists")


class Courses(Section):
    """The Courses and Sections section of the settings page."""

    org_types: dict[OrgType, str] = Field(default={"district": "District", "school": "School"})
    session_types: dict[SessionType, str] = Field(
        default={
            "schoolYear": "School Year",
            "term": "Term",
            "gradingPeriod": "Grading Period",
            "semester": "Semester",
        }
    )
    default_status: Status = Field("active", description="State in which new offerings are created")
    on_delete: Literal["nothing", "inactivate"] = "nothing"
    link_existing: LinkCourses = Field(default_factory=LinkCourses)
    dates: Dates = Field(default_factory=Dates)
    content_copy: ContentCopy = Field(default_factory=ContentCopy)
    unenroll: Unenroll = Field(default_factory=Unenroll)

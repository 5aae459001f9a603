"""What classes, courses, orgs and sessions become in Brightspace."""

from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field

from roster_pipeline.settings.base import Section
from roster_pipeline.settings.people import Status

OrgType = Literal["department", "district", "local", "national", "school", "state"]
SessionType = Literal["gradingPeriod", "schoolYear", "semester", "term"]
#: What a SIS groups teaching by. A section association exists beside these, but OneRoster has none to make one of.
GroupType = Literal["course_offering", "section", "course_template", "section_association"]


def _presets(groups: dict[GroupType, str]) -> dict[GroupType, str]:
    missing = [group for group in get_args(GroupType) if group not in groups]
    if missing:
        raise ValueError(f"is without {', '.join(missing)}, which cannot be removed; write its line again")
    return groups


GroupTypes = Annotated[dict[GroupType, str], AfterValidator(_presets)]


class LinkCourses(Section):
    """Which course units are linked to ones of the same code that Brightspace holds already."""

    sections: bool = Field(False, description="Sections of an offering that is managed or linked")
    offerings: bool = Field(False, description="Course offerings")
    templates: bool = Field(False, description="Course templates")


class Dates(Section):
    """Start and end of an offering: those of a session of its class, or its own where the SIS sends some.

    OneRoster 1.1 classes have no dates; a SIS may put some into their metadata.
    """

    inherit: bool = Field(False, description="Take the dates of a session of the class")
    metadata_start: str | None = Field(
        None, min_length=1, description="Without inherit: metadata key of the class that holds its first day"
    )
    metadata_end: str | None = Field(None, min_length=1, description="The same for its last day")
    session_type: SessionType = Field("term", description="Whose dates are inherited")
    start_offset_days: int = Field(0, ge=-365, le=365, description="Days added to the inherited start")
    end_offset_days: int = Field(0, ge=-365, le=365, description="Days added to the inherited end")


class ContentCopy(Section):
    """What new offerings start with."""

    enabled: bool = Field(False, description="Ask for a copy of content, once for each new offering")
    source: Literal["same_code", "parent_template", "sibling"] = Field(
        "same_code",
        alias="from",
        description="The course of the same code, the template, or the offering whose code is the template's",
    )


class Unenroll(Section):
    """When enrollments end beside their deletion in the SIS."""

    after_end_date: bool = Field(False, description="Leave course and section when the enrollment's end date has come")
    when_org_left: bool = Field(False, description="Leave a school or district that the user no longer lists")


class Courses(Section):
    """The Courses and Sections section of the settings page."""

    org_types: dict[OrgType, str] = Field(
        default={"district": "District", "school": "School"},
        description="The SIS's types of orgs as types of org unit; a type that is not named makes none",
    )
    session_types: dict[SessionType, str] = Field(
        default={
            "schoolYear": "School Year",
            "term": "Term",
            "gradingPeriod": "Grading Period",
            "semester": "Semester",
        },
        description="The same for sessions",
    )
    group_types: GroupTypes = Field(
        default={
            "course_offering": "Course Offering",
            "section": "Section",
            "course_template": "Course Template",
            "section_association": "Section Association",
        },
        description="Preset and complete; OneRoster makes no section associations",
    )
    default_status: Status = Field("active", description="State in which new offerings are created")
    on_delete: Literal["nothing", "inactivate"] = Field(
        "nothing", description="What becomes of the offering of a class that the SIS deletes; it is no longer managed"
    )
    link_existing: LinkCourses = Field(default_factory=LinkCourses)
    dates: Dates = Field(default_factory=Dates)
    content_copy: ContentCopy = Field(default_factory=ContentCopy)
    unenroll: Unenroll = Field(default_factory=Unenroll)

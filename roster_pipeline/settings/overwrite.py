"""Which existing Brightspace values the SIS may replace. On updates only: a new object gets every value."""

from pydantic import Field

from roster_pipeline.settings.base import Section


class PeopleFields(Section):
    username: bool = True
    org_defined_id: bool = True
    first_name: bool = True
    last_name: bool = True
    email: bool = True
    system_role: bool = True
    status: bool = True


class EnrollmentFields(Section):
    role_in_course: bool = True
    role_in_upper_org_units: bool = True


class CourseFields(Section):
    code: bool = True
    name: bool = True
    section_name: bool = True
    status: bool = True
    dates: bool = True


class OrgUnitFields(Section):
    semester_name: bool = True
    department_name: bool = True
    org_unit_name: bool = True


class Overwrite(Section):
    """Every overwrite switch of the settings page, all on by default."""

    people: PeopleFields = Field(default_factory=PeopleFields)
    enrollments: EnrollmentFields = Field(default_factory=EnrollmentFields)
    courses: CourseFields = Field(default_factory=CourseFields)
    org_units: OrgUnitFields = Field(default_factory=OrgUnitFields)

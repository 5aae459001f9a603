"""Which existing Brightspace values the SIS may replace. On updates only: a new object gets every value."""

from pydantic import Field

from roster_pipeline.settings.base import Section


class PeopleFields(Section):
    """Values of people."""

    username: bool = True
    org_defined_id: bool = True
    first_name: bool = True
    last_name: bool = True
    email: bool = True
    system_role: bool = True
    status: bool = True


class EnrollmentFields(Section):
    """Roles of people who are enrolled."""

    role_in_course: bool = True
    role_in_upper_org_units: bool = True


class CourseFields(Section):
    """Values of course offerings and sections."""

    code: bool = True
    name: bool = True
    section_name: bool = True
    status: bool = True
    dates: bool = True


class OrgUnitFields(Section):
    """Names of sessions, of departments, and of districts, schools and other orgs."""

    semester_name: bool = True
    department_name: bool = True
    org_unit_name: bool = True


class Overwrite(Section):
    """Which values the SIS may replace on updates; a new object gets every value."""

    people: PeopleFields = Field(default_factory=PeopleFields)
    enrollments: EnrollmentFields = Field(default_factory=EnrollmentFields)
    courses: CourseFields = Field(default_factory=CourseFields)
    org_units: OrgUnitFields = Field(default_factory=OrgUnitFields)

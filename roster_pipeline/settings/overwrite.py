"""Which existing Brightspace values the SIS may replace. On updates only: a new object gets every value."""

from pydantic import Field

from roster_pipeline.settings.base import Section


class PeopleFields(Section):
    """Values of people."""

    username: bool = Field(True, description="The login; off: an account keeps the one it has")
    org_defined_id: bool = Field(True, description="The Org-defined id, by which Standard CSV bundles know people")
    first_name: bool = Field(True, description="Given name, as corrected in the SIS")
    last_name: bool = Field(True, description="Family name, as corrected in the SIS")
    email: bool = Field(True, description="Email address")
    system_role: bool = Field(True, description="Role in the whole organization, from `people.roles`")
    status: bool = Field(True, description="Active or inactive, when the SIS changes it")


class EnrollmentFields(Section):
    """Roles of people who are enrolled."""

    role_in_course: bool = Field(
        True, description="Role in offerings and sections; off: a role that was changed by hand stays"
    )
    role_in_upper_org_units: bool = Field(True, description="Role in all that stands above courses")


class CourseFields(Section):
    """Values of course offerings and sections."""

    code: bool = Field(
        True, description="Codes of templates, offerings and sections; with `delivery.unique_codes` they never change"
    )
    name: bool = Field(True, description="Names of templates and offerings")
    section_name: bool = Field(True, description="Names of sections")
    status: bool = Field(True, description="The offering's active or inactive, when the SIS changes it")
    dates: bool = Field(True, description="Start and end of offerings")


class OrgUnitFields(Section):
    """Names of sessions, of departments, and of districts, schools and other orgs."""

    semester_name: bool = Field(True, description="Names of what sessions became")
    department_name: bool = Field(True, description="Names of what departments became")
    org_unit_name: bool = Field(True, description="Names of what districts, schools and other orgs became")


class Overwrite(Section):
    """Which values the SIS may replace on updates; a new object gets every value."""

    people: PeopleFields = Field(default_factory=PeopleFields)
    enrollments: EnrollmentFields = Field(default_factory=EnrollmentFields)
    courses: CourseFields = Field(default_factory=CourseFields)
    org_units: OrgUnitFields = Field(default_factory=OrgUnitFields)

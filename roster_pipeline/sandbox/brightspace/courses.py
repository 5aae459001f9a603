"""Operations on templates, offerings, sections and course copies."""

from typing import Any

from roster_pipeline.sandbox.brightspace.answers import Json, parse_utc, utc_text
from roster_pipeline.sandbox.brightspace.objects import (
    COURSE_OFFERING,
    COURSE_TEMPLATE,
    DEPARTMENT,
    SECTION,
    SEMESTER,
    OrgUnit,
    SectionSettings,
    invalid,
    missing,
)
from roster_pipeline.sandbox.brightspace.operations import Call, Operations, field

OPERATIONS = Operations()
#: Prefix of the sections that the older way of setting up sections makes by itself.
_DEFAULT_SECTION = "Section"


@OPERATIONS.add("POST", "/coursetemplates/", "orgunits:coursetemplate:create")
def create_template(call: Call) -> Json:
    if call.field("Path", str, ""):
        raise invalid("Path must be empty")
    parents = call.field("ParentOrgUnitIds", list)
    return _template(call.tenant.tree.create_template(call.field("Name", str), call.field("Code", str), parents))


@OPERATIONS.add("GET", "/coursetemplates/{id:int}")
def get_template(call: Call) -> Json:
    return _template(call.tenant.tree.of_type(call.id(), COURSE_TEMPLATE))


@OPERATIONS.add("PUT", "/coursetemplates/{id:int}")
def change_template(call: Call) -> None:
    unit = call.tenant.tree.of_type(call.id(), COURSE_TEMPLATE)
    call.tenant.tree.rename(unit.id, call.field("Name", str), call.field("Code", str))


@OPERATIONS.add("DELETE", "/coursetemplates/{id:int}")
def recycle_template(call: Call) -> None:
    call.tenant.tree.recycle(call.tenant.tree.of_type(call.id(), COURSE_TEMPLATE).id)


@OPERATIONS.add("POST", "/courses/", "orgunits:course:create")
def create_offering(call: Call) -> Json:
    """A new offering is active, whatever the request says."""
    if call.field("Path", str, ""):
        raise invalid("Path must be empty")
    unit = call.tenant.tree.create_offering(
        call.field("Name", str),
        call.field("Code", str),
        call.field("CourseTemplateId", int),
        call.field("SemesterId", int, None),
        start_date=parse_utc(call.field("StartDate", str, None)),
        end_date=parse_utc(call.field("EndDate", str, None)),
        description=_rich_text_input(call.field("Description", dict)),
    )
    return _offering(call, unit)


@OPERATIONS.add("GET", "/courses/{id:int}", "orgunits:course:read")
def get_offering(call: Call) -> Json:
    return _offering(call, call.tenant.tree.of_type(call.id(), COURSE_OFFERING))


@OPERATIONS.add("PUT", "/courses/{id:int}", "orgunits:course:update")
def change_offering(call: Call) -> None:
    """Replaces everything in the block."""
    unit = call.tenant.tree.of_type(call.id(), COURSE_OFFERING)
    is_active = call.field("IsActive", bool)
    start, end = parse_utc(call.field("StartDate", str, None)), parse_utc(call.field("EndDate", str, None))
    description = _rich_text_input(call.field("Description", dict))
    call.tenant.tree.rename(unit.id, call.field("Name", str), call.field("Code", str))
    unit.is_active, unit.start_date, unit.end_date, unit.description = is_active, start, end, description


@OPERATIONS.add("DELETE", "/courses/{id:int}", "orgunits:course:delete")
def recycle_offering(call: Call) -> None:
    call.tenant.tree.recycle(call.tenant.tree.of_type(call.id(), COURSE_OFFERING).id)


@OPERATIONS.add("GET", "/{ou:int}/sections/settings", "sections:section:read")
def get_section_settings(call: Call) -> Json:
    settings = call.tenant.tree.of_type(call.id("ou"), COURSE_OFFERING).section_settings
    if settings is None:
        raise missing("the offering has no section settings")
    return {
        "Name": "Sections",
        "Description": {"Text": "", "Html": ""},
        "EnrollmentStyle": settings.enrollment_style,
        "EnrollmentQuantity": settings.enrollment_quantity,
        "AutoEnroll": settings.auto_enroll,
        "RandomizeEnrollments": settings.randomize_enrollments,
        "DescriptionsVisibleToEnrollees": settings.descriptions_visible,
    }


@OPERATIONS.add("POST", "/{ou:int}/sections/settings", "sections:section:create")
def create_section_settings(call: Call) -> Json:
    if call.tenant.tree.of_type(call.id("ou"), COURSE_OFFERING).section_settings:
        raise invalid("the offering has section settings already")
    call.tenant.tree.set_section_settings(call.id("ou"), _settings(call))
    return get_section_settings(call)


@OPERATIONS.add("PUT", "/{ou:int}/sections/", "sections:section:create")
def initialise_sections(call: Call) -> list[Json]:
    """The older way, which makes the first sections too."""
    settings = _settings(call)
    call.tenant.tree.set_section_settings(call.id("ou"), settings)
    count = 1 if settings.enrollment_style == 1 else settings.enrollment_quantity
    for number in range(1, count + 1):
        call.tenant.create_section(call.id("ou"), f"{_DEFAULT_SECTION} {number}", f"{_DEFAULT_SECTION}{number}")
    return get_sections(call)


@OPERATIONS.add("GET", "/{ou:int}/sections/", "sections:section:read")
def get_sections(call: Call) -> list[Json]:
    offering = call.tenant.tree.of_type(call.id("ou"), COURSE_OFFERING)
    if offering.section_settings is None:
        raise missing("the offering has no section settings")
    return [_section(call, unit) for unit in call.tenant.tree.children(offering.id) if unit.type.name == SECTION]


@OPERATIONS.add("POST", "/{ou:int}/sections/", "sections:section:create")
def create_section(call: Call) -> Json:
    description = _rich_text_input(call.field("Description", dict))
    unit = call.tenant.create_section(call.id("ou"), call.field("Name", str), call.field("Code", str), description)
    return _section(call, unit)


@OPERATIONS.add("GET", "/{ou:int}/sections/{id:int}", "sections:section:read")
def get_section(call: Call) -> Json:
    return _section(call, _section_in_offering(call))


@OPERATIONS.add("PUT", "/{ou:int}/sections/{id:int}", "sections:section:update")
def change_section(call: Call) -> Json:
    unit = _section_in_offering(call)
    description = _rich_text_input(call.field("Description", dict))
    call.tenant.tree.rename(unit.id, call.field("Name", str), call.field("Code", str))
    unit.description = description
    return _section(call, unit)


@OPERATIONS.add("DELETE", "/{ou:int}/sections/{id:int}", "sections:section:delete")
def delete_section(call: Call) -> None:
    call.tenant.tree.recycle(_section_in_offering(call).id)


@OPERATIONS.add("POST", "/{ou:int}/sections/{id:int}/enrollments/", "sections:enrollment:create")
def enroll_in_section(call: Call) -> None:
    section, user_id = _section_in_offering(call), call.field("UserId", int)
    role = next((each.role for each in call.tenant.enrollments_in(call.id("ou")) if each.user_id == user_id), None)
    if role is None:
        raise invalid(f"user {user_id} is not enrolled in offering {call.id('ou')}")
    call.tenant.enroll(user_id, section.id, role.id)


@OPERATIONS.add("POST", "/import/{ou:int}/copy/", component="le")
def start_copy(call: Call) -> Json:
    components: list[str] = call.field("Components", list, None) or []
    job = call.tenant.start_copy(call.id("ou"), call.field("SourceOrgUnitId", int), components)
    return {"JobToken": job.token}


@OPERATIONS.add("GET", "/import/{ou:int}/copy/{token}", component="le")
def poll_copy(call: Call) -> Json:
    job, done = call.tenant.poll_copy(call.request.path_params["token"])
    if job.target_id != call.id("ou"):
        raise missing("there is no such copy job")
    return {
        "JobToken": job.token,
        "TargetOrgUnitId": job.target_id,
        "Status": "COMPLETE" if done else "PROCESSING",
    }


def _template(unit: OrgUnit) -> Json:
    return {"Identifier": str(unit.id), "Name": unit.name, "Code": unit.code, "Path": unit.path}


def _offering(call: Call, unit: OrgUnit) -> Json:
    tree = call.tenant.tree
    template = _parent_of_type(tree.parents(unit.id), COURSE_TEMPLATE)
    return {
        "Identifier": str(unit.id),
        "Name": unit.name,
        "Code": unit.code,
        "IsActive": unit.is_active,
        "Path": unit.path,
        "CourseTemplate": _basic(template),
        "Semester": _basic(_parent_of_type(tree.parents(unit.id), SEMESTER)),
        "Department": _basic(_parent_of_type(tree.parents(template.id), DEPARTMENT)) if template else None,
        "StartDate": utc_text(unit.start_date),
        "EndDate": utc_text(unit.end_date),
        "Description": {"Text": unit.description, "Html": ""},
        "CanSelfRegister": False,
    }


def _parent_of_type(parents: list[OrgUnit], type_name: str) -> OrgUnit | None:
    return next((parent for parent in parents if parent.type.name == type_name), None)


def _basic(unit: OrgUnit | None) -> Json | None:
    return {"Identifier": str(unit.id), "Name": unit.name, "Code": unit.code} if unit else None


def _section(call: Call, unit: OrgUnit) -> Json:
    return {
        "SectionId": unit.id,
        "Name": unit.name,
        "Code": unit.code,
        "Description": {"Text": unit.description, "Html": ""},
        "Enrollments": [enrollment.user_id for enrollment in call.tenant.enrollments_in(unit.id)],
    }


def _section_in_offering(call: Call) -> OrgUnit:
    unit = call.tenant.tree.of_type(call.id(), SECTION)
    if call.id("ou") not in unit.parents:
        raise missing(f"section {unit.id} is not in offering {call.id('ou')}")
    return unit


def _settings(call: Call) -> SectionSettings:
    return SectionSettings(
        call.field("EnrollmentStyle", int),
        call.field("EnrollmentQuantity", int),
        call.field("AutoEnroll", bool),
        call.field("RandomizeEnrollments", bool),
        call.field("DescriptionsVisibleToEnrollees", bool),
    )


def _rich_text_input(block: Any) -> str:
    if field(block, "Type", str) not in {"Text", "Html"}:
        raise invalid("Description.Type must be Text or Html")
    content: str = field(block, "Content", str)
    return content

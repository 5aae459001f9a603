"""How OneRoster objects are named, coded, identified and enrolled: where the SIS vendors differ."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from roster_pipeline.settings.base import Section
from roster_pipeline.settings.people import Role

#: What a name or code pattern may draw on; each is a column of the same name in the naming step.
PATTERN_FIELDS = frozenset(
    {
        "class.class_code",
        "class.location",
        "class.sourced_id",
        "class.title",
        "course.course_code",
        "course.sourced_id",
        "course.title",
        "lead_teacher.family_name",
        "lead_teacher.given_name",
        "name",
        "school.identifier",
        "school.name",
        "section_number",
        "term.title",
    }
)
_FIELD = re.compile(r"\{([^{}]*)\}")


def _pattern(value: str) -> str:
    unknown = [field for field in _FIELD.findall(value) if field not in PATTERN_FIELDS]
    if unknown:
        raise ValueError(f"unknown field {{{unknown[0]}}}; known fields: {', '.join(sorted(PATTERN_FIELDS))}")
    if "{" in _FIELD.sub("", value) or "}" in _FIELD.sub("", value):
        raise ValueError("a brace without its partner; write fields as {course.title}")
    return value


def _org_defined_id(value: str) -> str:
    if value in {"identifier", "sourced_id"} or re.fullmatch(r"user_ids:.+", value):
        return value
    raise ValueError("must be identifier, sourced_id or user_ids:<type>")


def _section_number(value: str) -> str:
    if value in {"class_code", "class_code_last_segment"} or re.fullmatch(r"metadata:.+", value):
        return value
    if value.startswith("class_title_regex:"):
        try:
            groups = re.compile(value.removeprefix("class_title_regex:")).groups
        except re.error as error:
            raise ValueError(f"the regular expression is wrong: {error}") from error
        if groups != 1:
            raise ValueError("the regular expression needs one group in brackets, around the section number")
        return value
    raise ValueError(
        "must be class_code, class_code_last_segment, metadata:<key> or class_title_regex:<expression with one group>"
    )


Pattern = Annotated[str, AfterValidator(_pattern)]
OrgDefinedIdSource = Annotated[str, AfterValidator(_org_defined_id)]
SectionNumberSource = Annotated[str, AfterValidator(_section_number)]


class Naming(Section):
    """Patterns in order of preference: the first one all of whose fields have a value is used."""

    name: list[Pattern] = Field(min_length=1, description="Patterns of the name, the preferred one first")
    code: list[Pattern] = Field(min_length=1, description="The same for the code")


class RoleRules(Section):
    """How users of one SIS role are identified, enrolled and related."""

    org_defined_id: list[OrgDefinedIdSource] = Field(
        default=["sourced_id"], min_length=1, description="Sources in order of preference"
    )
    enroll_in: list[Literal["school", "district", "schools_below"]] = Field(
        default=["school"],
        description="The schools the user lists, their district, all schools of a district that the user lists",
    )
    is_guardian: bool = Field(False, description="Students' links to users of this role become relationships")


class Mapping(Section):
    """The vendor's ways. A profile fills it; a district may override any line."""

    org_code: Literal["name", "identifier_or_name"] = Field(
        "identifier_or_name", description="What the code of a district, school or other org is"
    )
    school_parent: Literal["district", "nearest"] = Field(
        "district", description="Schools hang below the district, or below the nearest org that is mapped"
    )
    section_number: SectionNumberSource = Field(
        "class_code_last_segment",
        description="Where a class's number stands: class_code, class_code_last_segment, metadata:<key> or "
        "class_title_regex:<expression with one group>",
    )
    template: Naming = Naming(name=["{course.title}"], code=["{course.course_code}"])
    offering: Naming = Naming(name=["{class.title}"], code=["{class.class_code}", "{name}"])
    section: Naming = Naming(name=["{class.title}"], code=["{class.class_code}", "{name}"])
    roles: dict[Role, RoleRules] = Field(
        default_factory=dict,
        description="By SIS role: org_defined_id, enroll_in and is_guardian; see the profiles for all of them",
    )

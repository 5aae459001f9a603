"""The objects of OneRoster 1.1 as a SIS holds them: one immutable dataclass a kind, whatever the binding.

Field names are the CSV columns in snake_case (`class_sourced_id` is `classSourcedId` in CSV and `class` in REST);
their order is the column order of the CSV binding. Dates are `YYYY-MM-DD`, times `YYYY-MM-DDThh:mm:ss.sssZ`.
Source: OneRoster 1.1, sections 4 (CSV tables) and 5 (information model).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

#: Marks a field that the SIS knows of but that is no part of the standard's object.
INTERNAL = {"internal": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class OneRosterObject:
    """What every object has."""

    sourced_id: str
    status: str = "active"
    """`active` or `tobedeleted`."""
    date_last_modified: str
    metadata: Mapping[str, Any] | None = field(default=None, metadata=INTERNAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class AcademicSession(OneRosterObject):
    """A school year, term, semester or grading period."""

    title: str
    type: str
    start_date: str
    end_date: str
    parent_sourced_id: str | None = None
    school_year: str | None = None
    """The year in which the school year ends, as text: `2027`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Org(OneRosterObject):
    """The district or a school."""

    name: str
    type: str
    identifier: str | None = None
    parent_sourced_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Course(OneRosterObject):
    """A course of a school; its classes are what is taught."""

    school_year_sourced_id: str | None = None
    title: str
    course_code: str | None = None
    grades: tuple[str, ...] = ()
    org_sourced_id: str
    subjects: tuple[str, ...] = ()
    subject_codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Class(OneRosterObject):
    """A section of a course."""

    title: str
    grades: tuple[str, ...] = ()
    course_sourced_id: str
    class_code: str | None = None
    class_type: str = "scheduled"
    location: str | None = None
    school_sourced_id: str
    term_sourced_ids: tuple[str, ...]
    subjects: tuple[str, ...] = ()
    subject_codes: tuple[str, ...] = ()
    periods: tuple[str, ...] = ()
    category_sourced_ids: tuple[str, ...] = field(default=(), metadata=INTERNAL)
    """The categories of the class's gradebook in the SIS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class User(OneRosterObject):
    """A person in one role."""

    enabled_user: bool = True
    org_sourced_ids: tuple[str, ...]
    role: str
    username: str
    user_ids: tuple[tuple[str, str], ...] = ()
    """Pairs of type and identifier."""
    given_name: str
    family_name: str
    middle_name: str | None = None
    identifier: str | None = None
    email: str | None = None
    sms: str | None = None
    phone: str | None = None
    agent_sourced_ids: tuple[str, ...] = ()
    grades: tuple[str, ...] = ()
    password: str | None = None
    """Never made up; tests set it to see that it goes nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrollment(OneRosterObject):
    """A person in a class."""

    class_sourced_id: str
    school_sourced_id: str
    user_sourced_id: str
    role: str
    primary: bool | None = None
    """Of teachers only."""
    begin_date: str | None = None
    end_date: str | None = None
    """The first day on which the person is no longer enrolled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Category(OneRosterObject):
    """A category of the SIS's gradebook."""

    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LineItem(OneRosterObject):
    """An assignment of the SIS's gradebook. Its dates are times in REST and dates in CSV."""

    title: str
    description: str | None = None
    assign_date: str
    due_date: str
    class_sourced_id: str
    category_sourced_id: str | None = None
    grading_period_sourced_id: str | None = None
    result_value_min: float
    result_value_max: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Result(OneRosterObject):
    """A mark of a student on an assignment."""

    line_item_sourced_id: str
    student_sourced_id: str
    score_status: str
    score: float
    score_date: str
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Demographics(OneRosterObject):
    """What a roster never needs; a SIS offers it all the same. Its sourcedId is the user's."""

    birth_date: str | None = None
    sex: str | None = None
    american_indian_or_alaska_native: bool | None = None
    asian: bool | None = None
    black_or_african_american: bool | None = None
    native_hawaiian_or_other_pacific_islander: bool | None = None
    white: bool | None = None
    demographic_race_two_or_more_races: bool | None = None
    hispanic_or_latino_ethnicity: bool | None = None
    country_of_birth_code: str | None = None
    state_of_birth_abbreviation: str | None = None
    city_of_birth: str | None = None
    public_school_residence_status: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource(OneRosterObject):
    """Teaching material."""

    vendor_resource_id: str
    title: str | None = None
    roles: tuple[str, ...] = ()
    importance: str | None = None
    vendor_id: str | None = None
    application_id: str | None = None


#: Collection of the standard -> kind of object.
KINDS: dict[str, type[OneRosterObject]] = {
    "academicSessions": AcademicSession,
    "orgs": Org,
    "courses": Course,
    "classes": Class,
    "users": User,
    "enrollments": Enrollment,
    "categories": Category,
    "lineItems": LineItem,
    "results": Result,
    "demographics": Demographics,
    "resources": Resource,
}

#: Name of a reference, without `_sourced_id` or `_sourced_ids` -> kind it leads to.
_TARGETS: dict[str, type[OneRosterObject]] = {
    "agent": User,
    "category": Category,
    "class": Class,
    "course": Course,
    "grading_period": AcademicSession,
    "line_item": LineItem,
    "org": Org,
    "school": Org,
    "school_year": AcademicSession,
    "student": User,
    "term": AcademicSession,
    "user": User,
}


def references(kind: type[OneRosterObject]) -> list[str]:
    """Names of the fields of a kind that refer to other objects, one or many."""
    return [field.name for field in fields(kind) if field.name.endswith(("_sourced_id", "_sourced_ids"))]


def refers_to(kind: type[OneRosterObject], name: str) -> type[OneRosterObject]:
    """The kind of object to which the reference `name` of a kind leads."""
    stem = name.removesuffix("s").removesuffix("_sourced_id")
    return kind if stem == "parent" else _TARGETS[stem]

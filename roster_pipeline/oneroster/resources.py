"""The six rostering resources of OneRoster 1.1 and their fields, in both bindings.

Source: OneRoster 1.1 CSV tables and REST object model. The CSV header is the order of `fields`; the raw
Parquet file of a resource has the same columns, all text, multi-valued ones as lists of text, followed by
`metadata` (JSON text of extension values or null) and `position` (the row's place in the feed, from 1).
"""

from dataclasses import dataclass
from typing import Literal

#: How a field is carried: one value, several values, or a reference to one or several other objects.
FieldKind = Literal["value", "values", "reference", "references", "typed_ids"]

METADATA = "metadata"
POSITION = "position"


@dataclass(frozen=True)
class Field:
    """One field of a resource."""

    name: str
    """Column of the CSV binding and of the raw Parquet file: `orgSourcedIds`."""
    column: str
    """Column of the roster table: `org_sourced_ids`."""
    json: str
    """Key of the REST binding: `orgs`."""
    kind: FieldKind = "value"
    required: bool = False
    """Whether the CSV header must have it."""
    is_boolean: bool = False
    """Whether the REST binding carries it as a JSON boolean."""
    aliases: tuple[str, ...] = ()
    """Names that OneRoster 1.0 files and known faulty writers use instead."""

    @property
    def is_list(self) -> bool:
        return self.kind in {"values", "references", "typed_ids"}


@dataclass(frozen=True)
class Resource:
    """One resource: a CSV file, a REST collection, a roster table."""

    name: str
    """Name of CSV file and REST collection: `academicSessions`."""
    singular: str
    table: str
    """Name of the roster table: `academic_sessions`."""
    envelopes: tuple[str, ...]
    """Keys under which servers wrap the collection, the standard's first."""
    fields: tuple[Field, ...]


def _base() -> tuple[Field, ...]:
    return (
        Field("sourcedId", "sourced_id", "sourcedId", required=True),
        Field("status", "status", "status", required=True),
        Field("dateLastModified", "date_last_modified", "dateLastModified", required=True),
    )


ACADEMIC_SESSIONS = Resource(
    "academicSessions",
    "academicSession",
    "academic_sessions",
    ("academicSessions", "terms", "gradingPeriods"),
    (
        *_base(),
        Field("title", "title", "title", required=True),
        Field("type", "type", "type", required=True),
        Field("startDate", "start_date", "startDate", required=True),
        Field("endDate", "end_date", "endDate", required=True),
        Field("parentSourcedId", "parent_sourced_id", "parent", "reference"),
        Field("schoolYear", "school_year_ends", "schoolYear"),
    ),
)

ORGS = Resource(
    "orgs",
    "org",
    "orgs",
    ("orgs", "schools"),
    (
        *_base(),
        Field("name", "name", "name", required=True),
        Field("type", "type", "type", required=True),
        Field("identifier", "identifier", "identifier"),
        Field("parentSourcedId", "parent_sourced_id", "parent", "reference"),
    ),
)

COURSES = Resource(
    "courses",
    "course",
    "courses",
    ("courses",),
    (
        *_base(),
        Field("schoolYearSourcedId", "school_year_sourced_id", "schoolYear", "reference", aliases=("schoolYearId",)),
        Field("title", "title", "title", required=True),
        Field("courseCode", "course_code", "courseCode"),
        Field("grades", "grades", "grades", "values", aliases=("grade",)),
        Field("orgSourcedId", "org_sourced_id", "org", "reference", required=True),
        Field("subjects", "subjects", "subjects", "values"),
        Field("subjectCodes", "subject_codes", "subjectCodes", "values"),
    ),
)

CLASSES = Resource(
    "classes",
    "class",
    "classes",
    ("classes",),
    (
        *_base(),
        Field("title", "title", "title", required=True),
        Field("grades", "grades", "grades", "values", aliases=("grade",)),
        Field("courseSourcedId", "course_sourced_id", "course", "reference", required=True),
        Field("classCode", "class_code", "classCode"),
        Field("classType", "class_type", "classType"),
        Field("location", "location", "location"),
        Field("schoolSourcedId", "school_sourced_id", "school", "reference", required=True),
        Field("termSourcedIds", "term_sourced_ids", "terms", "references", required=True, aliases=("termSourcedId",)),
        Field("subjects", "subjects", "subjects", "values"),
        Field("subjectCodes", "subject_codes", "subjectCodes", "values"),
        Field("periods", "periods", "periods", "values"),
    ),
)

USERS = Resource(
    "users",
    "user",
    "users",
    ("users", "students", "teachers"),
    (
        *_base(),
        Field("enabledUser", "enabled_user", "enabledUser", is_boolean=True),
        Field("orgSourcedIds", "org_sourced_ids", "orgs", "references", required=True),
        Field("role", "role", "role", required=True),
        Field("username", "username", "username", required=True),
        Field("userIds", "user_ids", "userIds", "typed_ids", aliases=("userId",)),
        Field("givenName", "given_name", "givenName", required=True),
        Field("familyName", "family_name", "familyName", required=True),
        Field("middleName", "middle_name", "middleName"),
        Field("identifier", "identifier", "identifier"),
        Field("email", "email", "email"),
        Field("sms", "sms", "sms"),
        Field("phone", "phone", "phone"),
        Field("agentSourcedIds", "agent_sourced_ids", "agents", "references", aliases=("agents",)),
        Field("grades", "grades", "grades", "values"),
        # `password` is a field of the standard that is deliberately absent: it is dropped at the door.
    ),
)

ENROLLMENTS = Resource(
    "enrollments",
    "enrollment",
    "enrollments",
    ("enrollments",),
    (
        *_base(),
        Field("classSourcedId", "class_sourced_id", "class", "reference", required=True),
        Field("schoolSourcedId", "school_sourced_id", "school", "reference"),
        Field("userSourcedId", "user_sourced_id", "user", "reference", required=True),
        Field("role", "role", "role", required=True),
        Field("primary", "primary", "primary", is_boolean=True),
        Field("beginDate", "begin_date", "beginDate"),
        Field("endDate", "end_date", "endDate"),
    ),
)


def is_password(name: str) -> bool:
    """Whether a column or metadata key is named like a password: such values are dropped at the door."""
    return "password" in name.lower()


#: In the order in which one refers to another.
ROSTER_RESOURCES = (ACADEMIC_SESSIONS, ORGS, COURSES, CLASSES, USERS, ENROLLMENTS)

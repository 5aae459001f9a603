"""What the API tells about a tenant, typed. Ids are numbers here, whether a call writes them as numbers or as text."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal


@dataclass(frozen=True)
class OrgUnitType:
    id: int
    code: str
    name: str


@dataclass(frozen=True)
class Role:
    id: int
    name: str
    code: str | None


@dataclass(frozen=True)
class OrgUnit:
    id: int
    type_id: int
    name: str
    code: str | None
    path: str | None = None
    """Needed to change the unit; some contracts leave it out of some answers."""


@dataclass(frozen=True)
class Offering:
    id: int
    name: str
    code: str
    is_active: bool
    start_date: datetime | None
    end_date: datetime | None
    template_id: int | None
    semester_id: int | None
    description: str
    """As HTML."""
    can_self_register: bool | None


@dataclass(frozen=True)
class Section:
    id: int
    name: str
    code: str | None
    description: str
    """As HTML."""


@dataclass(frozen=True)
class User:
    id: int
    username: str
    org_defined_id: str | None
    first_name: str
    last_name: str
    middle_name: str | None
    email: str | None
    is_active: bool


@dataclass(frozen=True)
class Enrollment:
    user_id: int
    org_unit_id: int
    role_id: int


@dataclass(frozen=True)
class EnrollmentFailure:
    """One row that a batch did not take."""

    enrollment: Enrollment
    status: int
    message: str


@dataclass(frozen=True)
class GradeCategory:
    id: int
    name: str


@dataclass(frozen=True)
class GradeItem:
    id: int
    name: str
    grade_type: str
    """Numeric, PassFail, SelectBox, Text, Calculated or Formula."""
    max_points: float | None
    category_id: int | None
    description: str
    """As plain text."""


@dataclass(frozen=True)
class SisSettings:
    """Which academic session a teacher chose for an item or a category, and whether a category goes to the SIS."""

    session_org_unit_id: int | None
    export_to_sis: bool | None = None
    """Of categories only."""


@dataclass(frozen=True)
class Score:
    """One learner's mark on one item; `points` is None where there is none."""

    user_id: int
    org_defined_id: str | None
    points: float | None
    max_points: float | None
    comment: str
    last_modified: datetime | None


@dataclass(frozen=True)
class ActivityDates:
    """Dates of the activity that an item is linked to."""

    due: datetime | None
    end: datetime | None


def rich_text(block: Any, form: Literal["Text", "Html"]) -> str:
    """What a block of rich text says, in one form where it has it; empty where there is none."""
    if not block:
        return ""
    return str(block.get(form) or block.get("Text") or "")


def parse_time(text: Any) -> datetime | None:
    """A time as the API writes it: ISO 8601, UTC."""
    return datetime.fromisoformat(text) if text else None


def utc_text(moment: datetime | None) -> str | None:
    """A time as the API wants it: UTC with milliseconds and Z."""
    if moment is None:
        return None
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"

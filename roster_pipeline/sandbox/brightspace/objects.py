"""What a Brightspace tenant holds, and how it refuses what it cannot do."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from roster_pipeline.brightspace.limits import TextLimit

Clock = Callable[[], datetime]

#: Built-in types whose ids are the same in every tenant; the others are discovered by name.
ORGANIZATION = "Organization"
COURSE_TEMPLATE = "Course Template"
COURSE_OFFERING = "Course Offering"
SEMESTER = "Semester"
DEPARTMENT = "Department"
SECTION = "Section"
BUILT_IN = {ORGANIZATION: 1, COURSE_TEMPLATE: 2, COURSE_OFFERING: 3, SEMESTER: 5}
#: Types that a district usually adds.
CUSTOM_TYPES = ("District", "School", "School Year", "Term", "Grading Period")


class TenantError(Exception):
    """The tenant does not do what it was asked. `status` is the HTTP status with which the API says so."""

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title
        self.detail = detail


def invalid(detail: str) -> TenantError:
    return TenantError(400, "Bad Request", detail)


def missing(detail: str) -> TenantError:
    return TenantError(404, "Resource Not Found", detail)


def forbidden(detail: str) -> TenantError:
    return TenantError(403, "Not Authorized", detail)


def check_text(field: str, value: str, limit: TextLimit) -> None:
    """Raises TenantError (400) when a text is empty, too long, or holds what it must not."""
    if not value.strip():
        raise invalid(f"{field} must not be empty")
    if len(value) > limit.length:
        raise invalid(f"{field} has more than {limit.length} characters")
    if re.search(limit.forbidden_pattern, value):
        raise invalid(f"{field} holds a forbidden character")


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class OrgUnitType:
    id: int
    code: str
    name: str
    is_custom: bool = False


@dataclass(frozen=True)
class Role:
    id: int
    name: str
    code: str
    is_cascading: bool = False
    """Given at an upper org unit, it holds in everything below."""
    shows_in_grades: bool = False
    """Whether people in this role have marks."""
    accesses_all_sections: bool = False
    """Keeps an offering's enrollment when the last section is left (D2L staff in the Brightspace community, 2025)."""
    forbidden_types: frozenset[str] = frozenset()
    """Org unit types, by name, in which nobody may have this role."""


@dataclass(frozen=True)
class RoleSettings:
    """A role before a tenant has given it an id."""

    name: str
    is_cascading: bool = False
    shows_in_grades: bool = False
    accesses_all_sections: bool = False
    forbidden_types: frozenset[str] = frozenset()

    def with_id(self, id_: int) -> Role:
        return Role(id_, code=self.name.lower(), **vars(self))


DEFAULT_ROLES = (
    RoleSettings("Learner", shows_in_grades=True),
    RoleSettings("Instructor", accesses_all_sections=True),
    RoleSettings("Administrator"),
    RoleSettings("Aide"),
    RoleSettings("Guardian"),
    RoleSettings("Parent"),
    RoleSettings("Proctor"),
    RoleSettings("Relative"),
    RoleSettings("Super Administrator", is_cascading=True),
)


@dataclass(frozen=True)
class SectionSettings:
    """How an offering spreads its people over sections."""

    enrollment_style: int
    """0 number of sections, no enrollment; 1 people per section; 2 number of sections, automatic."""
    enrollment_quantity: int
    auto_enroll: bool
    randomize_enrollments: bool
    descriptions_visible: bool


@dataclass
class OrgUnit:
    id: int
    type: OrgUnitType
    name: str
    code: str
    parents: list[int]
    created: datetime
    path: str = ""
    start_date: datetime | None = None
    end_date: datetime | None = None
    is_active: bool = True
    description: str = ""
    recycled: datetime | None = None
    section_settings: SectionSettings | None = None
    content: list[str] = field(default_factory=list[str])
    """Names of what a teacher has put into the course; course copies carry them over."""


@dataclass
class User:
    id: int
    username: str
    org_defined_id: str | None
    first_name: str
    last_name: str
    middle_name: str | None
    email: str | None
    is_active: bool
    created: datetime
    pronouns: str = ""


@dataclass(frozen=True)
class Enrollment:
    user_id: int
    org_unit_id: int
    role: Role
    enrolled: datetime
    is_cascading: bool = False
    """Inherited from an org unit above."""


@dataclass(frozen=True)
class Creation:
    """One object that came into being: to prove that nothing was made twice."""

    kind: Literal["org_unit", "user", "enrollment", "relationship", "copy_job"]
    key: tuple[int | str, ...]
    """Org unit: type, code and id. User: org-defined id and id. Enrollment: user and org unit. Relationship: auditor
    and auditee. Copy job: source and target."""
    twins: int = 0
    """Objects that were alive by then with the same type and code, or org-defined id, or ends."""


@dataclass
class CopyJob:
    token: str
    source_id: int
    target_id: int
    components: tuple[str, ...]
    polls_left: int
    """The job is done after it was asked for this often."""

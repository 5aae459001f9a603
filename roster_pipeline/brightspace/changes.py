"""What an API delivery is handed: changes, the order in which they are applied, and what is confirmed of them."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, Protocol

#: Key of the organization itself, below which everything hangs; it needs no mapping.
ROOT_KEY = "organization:root"

Action = Literal["create", "update", "inactivate", "delete", "unmap"]
#: `started` is a content copy that is about to be asked for, of which the answer may get lost.
Outcome = Literal["started", "delivered", "failed"]
LinkKey = Literal["org_defined_id", "username"]
Entity = Literal[
    "upper_org_unit",
    "template",
    "offering",
    "section",
    "content_copy",
    "user",
    "enrollment",
    "section_enrollment",
    "relationship",
]


@dataclass(frozen=True)
class ParentRef:
    """A unit above another one."""

    key: str
    """`<kind>:<sourced id>`"""
    type_name: str
    """Brightspace's name of its type: `School`."""
    brightspace_id: int | None
    """None for the organization, and for a unit that could not be delivered."""


@dataclass(frozen=True)
class OrgUnitFields:
    type_name: str
    """Brightspace's name of the type; of templates, offerings and sections it is not looked at."""
    code: str
    name: str
    parents: tuple[ParentRef, ...]
    start_date: date | None = None
    """First day, in the district's time zone. Of offerings only: the API has no dates for other units."""
    end_date: date | None = None
    """Last day."""
    is_active: bool = True
    """Of offerings only."""


@dataclass(frozen=True)
class OrgUnitChange:
    kind: str
    sourced_id: str
    action: Action
    brightspace_id: int | None = None
    """None for one to be created, or that of the unit that was made for the object before it was let go of."""
    before: OrgUnitFields | None = None
    after: OrgUnitFields | None = None
    link_existing: bool = False
    """Whether a unit that was made outside the integration and has the same code is taken over instead of creating."""
    code_is_shared: bool = False
    """Whether another unit of the same type has the code in the SIS too: which of them took one over would be chance,
    so neither does."""


@dataclass(frozen=True)
class UserFields:
    username: str
    org_defined_id: str
    first_name: str
    last_name: str
    email: str | None
    role: str
    """Brightspace's name of the role in the organization."""
    is_active: bool


@dataclass(frozen=True)
class UserChange:
    sourced_id: str
    action: Action
    brightspace_id: int | None = None
    before: UserFields | None = None
    after: UserFields | None = None
    link_by: LinkKey | None = None
    """By which an account that was made outside the integration is taken over instead of creating; None for never."""
    kind: str = "user"


@dataclass(frozen=True)
class EnrollmentChange:
    sourced_id: str
    action: Action
    user_id: int | None
    """None for a user who could not be delivered."""
    org_unit_id: int | None
    role: str | None = None
    """Brightspace's name of the role; None for a removal."""
    offering_id: int | None = None
    """Of an enrollment in a section: the section's offering, whose role counts."""
    kind: str = "enrollment"


@dataclass(frozen=True)
class RelationshipChange:
    sourced_id: str
    action: Action
    student_id: int | None
    guardian_id: int | None
    kind: str = "relationship"


@dataclass(frozen=True)
class ContentCopy:
    """A new offering that is to get the content of another course."""

    sourced_id: str
    offering_id: int
    offering_code: str
    source: Literal["same_code", "parent_template", "sibling"]
    template_id: int
    template_code: str
    was_started: bool = False
    """Whether an earlier run confirmed `started` and nothing after."""
    kind: str = "content_copy"
    action: Action = "create"


Change = OrgUnitChange | UserChange | EnrollmentChange | RelationshipChange | ContentCopy


@dataclass(frozen=True)
class Confirmed:
    """What became of one change."""

    kind: str
    sourced_id: str
    brightspace_id: int | None
    """Of the org unit or user, also of a new one; None of other kinds."""
    outcome: Outcome
    error: str | None = None
    """Why it failed: in our words or Brightspace's, without a person's name."""


Confirm = Callable[[list[Confirmed]], None]


@dataclass(frozen=True)
class Phase:
    """Changes that do not depend on each other."""

    entity: Entity
    is_removal: bool = False
    """Removals are the actions delete and inactivate, everything else is an addition."""
    depth: int = 0
    """Of upper org units: how far below the organization, from 1."""


class Changes(Protocol):
    """The changes of one delivery. All methods are called from the thread that runs the delivery."""

    @property
    def depths(self) -> int:
        """How many levels of upper org units there are."""
        ...

    def rows(self, phase: Phase) -> Iterable[Change]:
        """The changes of a phase, asked for when all phases before it have been confirmed: ids are known by then."""
        ...

    def managed_org_unit_ids(self) -> Collection[int]:
        """Org units in Brightspace that are some object's already, and so nobody else's."""
        ...

    def managed_user_ids(self) -> Collection[int]:
        """Users in Brightspace that are some SIS user's already, and so nobody else's."""
        ...

    def known_enrollments(self) -> Iterable[tuple[int, int]]:
        """A few enrollments, user and org unit, that were delivered earlier and are to stay."""
        ...

    def begin(self, changes: Sequence[Change]) -> None:
        """Take down that nobody knows the outcome of these until `end`. Called before any of them is sent."""
        ...

    def end(self, answers: Sequence[Confirmed]) -> None:
        """Take down the outcomes. They are confirmed later, in larger batches."""
        ...


def phases(depths: int) -> Iterator[Phase]:
    """All phases in order: parents before children, additions before removals, removals from below upwards.

    Whoever changes from one section to another is in the new one before leaving the old one, and keeps the work there.
    """
    upper = range(1, depths + 1)
    yield from (Phase("upper_org_unit", depth=depth) for depth in upper)
    yield Phase("template")
    yield Phase("offering")
    yield Phase("section")
    yield Phase("content_copy")
    yield Phase("user")
    # A section takes only people who are in its offering.
    yield Phase("enrollment")
    yield Phase("section_enrollment")
    yield Phase("relationship")
    yield Phase("relationship", is_removal=True)
    yield Phase("section_enrollment", is_removal=True)
    yield Phase("enrollment", is_removal=True)
    yield Phase("user", is_removal=True)
    yield Phase("section", is_removal=True)
    yield Phase("offering", is_removal=True)
    yield Phase("template", is_removal=True)
    yield from (Phase("upper_org_unit", is_removal=True, depth=depth) for depth in reversed(upper))

"""A small roster that knows what of it was delivered: the caller's side of an API delivery."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from roster_pipeline.brightspace.changes import (
    ROOT_KEY,
    Action,
    Change,
    Confirmed,
    ContentCopy,
    EnrollmentChange,
    Entity,
    LinkKey,
    OrgUnitChange,
    OrgUnitFields,
    ParentRef,
    Phase,
    RelationshipChange,
    UserChange,
    UserFields,
)

_ENTITIES: dict[str, Entity] = {
    "course_template": "template",
    "course_offering": "offering",
    "section": "section",
}


@dataclass(frozen=True)
class Unit:
    """An org unit as it should be; parents by key."""

    type_name: str
    code: str
    name: str
    parents: tuple[str, ...]
    start_date: date | None = None
    end_date: date | None = None
    is_active: bool = True


@dataclass
class ManagedRoster:
    """What should be in Brightspace, and what is known to be: `changes.Changes`, and the callback that confirms."""

    units: dict[str, Unit]
    """By `<kind>:<sourced id>`."""
    users: dict[str, UserFields]
    enrollments: dict[tuple[str, str], str]
    """User and unit -> role."""
    relationships: set[tuple[str, str]]
    """Student and guardian."""
    copies: list[str] = field(default_factory=list[str])
    """Offerings that get content."""
    copy_source: Any = "same_code"
    link_units: bool = False
    link_users_by: LinkKey | None = None

    ids: dict[str, int] = field(default_factory=dict[str, int])
    """Delivered units and users by key."""
    delivered: dict[str, Any] = field(default_factory=dict[str, Any])
    """What was confirmed, by key."""
    failures: dict[str, str] = field(default_factory=dict[str, str])
    batches: list[int] = field(default_factory=list[int])
    kill_at_confirmation: int | None = None
    recheck: list[tuple[int, int]] | None = None
    """Known enrollments, where a test has its own."""

    @property
    def depths(self) -> int:
        return max((self._depth(key) for key in self.units if self._entity(key) == "upper_org_unit"), default=0)

    def rows(self, phase: Phase) -> Iterable[Change]:
        # Drawn one by one, as from a database.
        yield from {
            "user": self._user_changes,
            "enrollment": self._enrollment_changes,
            "section_enrollment": self._enrollment_changes,
            "relationship": self._relationship_changes,
            "content_copy": self._copies,
        }.get(phase.entity, self._unit_changes)(phase)

    def managed_org_unit_ids(self) -> Collection[int]:
        return {id_ for key, id_ in self.ids.items() if not key.startswith("user:")}

    def managed_user_ids(self) -> Collection[int]:
        return {id_ for key, id_ in self.ids.items() if key.startswith("user:")}

    def known_enrollments(self) -> Iterable[tuple[int, int]]:
        if self.recheck is not None:
            return self.recheck
        return [
            (self.ids[f"user:{user}"], self.ids[unit])
            for user, unit in self.enrollments
            if f"enrollment:{user}|{unit}" in self.delivered
        ]

    def begin(self, changes: Sequence[Change]) -> None:
        """Outcomes are looked up by the tests themselves."""

    def end(self, answers: Sequence[Confirmed]) -> None:
        """As above."""

    def confirm(self, confirmations: list[Confirmed]) -> None:
        self.batches.append(len(confirmations))
        if len(self.batches) == self.kill_at_confirmation:
            raise Killed
        for confirmed in confirmations:
            key = f"{confirmed.kind}:{confirmed.sourced_id}"
            if confirmed.outcome == "failed":
                self.failures[key] = confirmed.error or ""
                continue
            wanted = self._wanted(key)
            if confirmed.outcome == "started":
                self.delivered[key] = "started"
            elif wanted is None:
                self.delivered.pop(key)
            else:
                self.delivered[key] = wanted
                if confirmed.brightspace_id is not None:
                    self.ids[key] = confirmed.brightspace_id

    def pending(self) -> int:
        """Changes that are still to be delivered."""
        phases = [Phase(entity) for entity in ("template", "offering", "section", "content_copy", "user")]
        phases += [Phase(entity) for entity in ("enrollment", "section_enrollment", "relationship")]
        phases += [replace(phase, is_removal=True) for phase in phases]
        phases += [Phase("upper_org_unit", depth=depth) for depth in range(1, self.depths + 1)]
        return sum(len(list(self.rows(phase))) for phase in phases)

    def _wanted(self, key: str) -> Any:
        kind, _, sourced_id = key.partition(":")
        if kind == "user":
            return self.users.get(sourced_id)
        if kind == "enrollment":
            user, _, unit = sourced_id.partition("|")
            return self.enrollments.get((user, unit))
        if kind == "relationship":
            student, _, guardian = sourced_id.partition("|")
            return (student, guardian) if (student, guardian) in self.relationships else None
        return "copied" if kind == "content_copy" else self.units.get(key)

    def _entity(self, key: str) -> Entity:
        return _ENTITIES.get(key.partition(":")[0], "upper_org_unit")

    def _depth(self, key: str) -> int:
        return 0 if key == ROOT_KEY else 1 + max(self._depth(parent) for parent in self.units[key].parents)

    def _fields(self, unit: Unit) -> OrgUnitFields:
        parents = tuple(
            ParentRef(key, self.units[key].type_name if key in self.units else "Organization", self.ids.get(key))
            for key in unit.parents
        )
        return OrgUnitFields(
            unit.type_name, unit.code, unit.name, parents, unit.start_date, unit.end_date, unit.is_active
        )

    def _unit_changes(self, phase: Phase) -> Iterator[Change]:
        for key, unit in self.units.items():
            if self._entity(key) != phase.entity or (phase.depth and self._depth(key) != phase.depth):
                continue
            kind, _, sourced_id = key.partition(":")
            before = self.delivered.get(key)
            if before is None and not phase.is_removal:
                yield OrgUnitChange(kind, sourced_id, "create", after=self._fields(unit), link_existing=self.link_units)
            elif before is not None and before != unit:
                is_removal = replace(before, is_active=unit.is_active) == unit and not unit.is_active
                if is_removal == phase.is_removal:
                    action: Action = "inactivate" if is_removal else "update"
                    yield OrgUnitChange(
                        kind, sourced_id, action, self.ids[key], self._fields(before), self._fields(unit)
                    )
        for key, before in list(self.delivered.items()):
            if isinstance(before, Unit) and key not in self.units and phase.is_removal:
                kind, _, sourced_id = key.partition(":")
                if self._entity(key) == phase.entity and phase.depth <= 1:
                    yield OrgUnitChange(kind, sourced_id, "delete", self.ids[key], self._fields(before))

    def _user_changes(self, phase: Phase) -> Iterator[Change]:
        for sourced_id, fields in self.users.items():
            before = self.delivered.get(f"user:{sourced_id}")
            if before is None and not phase.is_removal:
                yield UserChange(sourced_id, "create", after=fields, link_by=self.link_users_by)
            elif before is not None and before != fields:
                is_removal = replace(before, is_active=fields.is_active) == fields and not fields.is_active
                if is_removal == phase.is_removal:
                    action: Action = "inactivate" if is_removal else "update"
                    yield UserChange(sourced_id, action, self.ids[f"user:{sourced_id}"], before, fields)

    def _enrollment_changes(self, phase: Phase) -> Iterator[Change]:
        in_sections = phase.entity == "section_enrollment"
        if phase.is_removal:
            for key in list(self.delivered):
                kind, _, sourced_id = key.partition(":")
                user, _, unit = sourced_id.partition("|")
                is_gone = kind == "enrollment" and (user, unit) not in self.enrollments
                if is_gone and unit.startswith("section:") == in_sections:
                    yield EnrollmentChange(sourced_id, "delete", self.ids.get(f"user:{user}"), self.ids.get(unit))
            return
        for (user, unit), role in self.enrollments.items():
            sourced_id = f"{user}|{unit}"
            before = self.delivered.get(f"enrollment:{sourced_id}")
            if before == role or unit.startswith("section:") != in_sections:
                continue
            offering = self.ids.get(self.units[unit].parents[0]) if in_sections else None
            ids = self.ids.get(f"user:{user}"), self.ids.get(unit)
            yield EnrollmentChange(sourced_id, "update" if before else "create", *ids, role, offering)

    def _relationship_changes(self, phase: Phase) -> Iterator[Change]:
        wanted = {f"relationship:{student}|{guardian}" for student, guardian in self.relationships}
        known = {key for key in self.delivered if key.startswith("relationship:")}
        for key in sorted(known - wanted if phase.is_removal else wanted - known):
            sourced_id = key.partition(":")[2]
            student, _, guardian = sourced_id.partition("|")
            ids = self.ids.get(f"user:{student}"), self.ids.get(f"user:{guardian}")
            yield RelationshipChange(sourced_id, "delete" if phase.is_removal else "create", *ids)

    def _copies(self, phase: Phase) -> Iterator[Change]:
        for key in self.copies:
            sourced_id = key.partition(":")[2]
            before = self.delivered.get(f"content_copy:{sourced_id}")
            if phase.is_removal or before == "copied":
                continue
            template = self.units[key].parents[0]
            yield ContentCopy(
                sourced_id,
                self.ids[key],
                self.units[key].code,
                self.copy_source,
                self.ids[template],
                self.units[template].code,
                was_started=before == "started",
            )


class Killed(BaseException):
    """The process dies here."""


def user(sourced_id: str, role: str = "Learner", **changes: Any) -> UserFields:
    fields = UserFields(f"u.{sourced_id}", sourced_id, "Ada", "Lee", None, role, is_active=True)
    return replace(fields, **changes)


def a_school() -> ManagedRoster:
    """A district, a school, a term, a course taught twice in the same way, people in it and a guardian."""
    offering = Unit(
        "Course Offering",
        "001",
        "Math-M1/001",
        ("course_template:M1", "school:HS1", "term:F26"),
        date(2026, 8, 24),
        date(2026, 12, 18),
    )
    return ManagedRoster(
        units={
            "district:D": Unit("District", "Maple", "Maple", (ROOT_KEY,)),
            "school:HS1": Unit("School", "Maple High", "Maple High", ("district:D",)),
            "term:F26": Unit("Semester", "Fall", "Fall", (ROOT_KEY,)),
            "course_template:M1": Unit("Course Template", "M1", "Math", ("school:HS1",)),
            "course_offering:C1": offering,
            "course_offering:C2": replace(offering, is_active=False),
            "section:C1": Unit("Section", "001", "Math-M1/001", ("course_offering:C1",)),
            "section:C2": Unit("Section", "001", "Math-M1/001", ("course_offering:C2",)),
        },
        users={"S1": user("S1"), "S2": user("S2", is_active=False), "T1": user("T1", "Instructor"),
               "G1": user("G1", "Guardian", email="g1@example.org")},
        enrollments={
            ("S1", "school:HS1"): "Learner",
            ("S1", "course_offering:C1"): "Learner",
            ("S1", "section:C1"): "Learner",
            ("S2", "course_offering:C2"): "Learner",
            ("S2", "section:C2"): "Learner",
            ("T1", "course_offering:C1"): "Instructor",
            ("T1", "section:C1"): "Instructor",
        },
        relationships={("S1", "G1")},
    )  # fmt: skip

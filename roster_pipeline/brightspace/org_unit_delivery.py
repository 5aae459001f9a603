"""Delivers single org units over the API, so that doing it again after an unknown outcome ends in the same state.

Brightspace keeps neither codes nor names unique. Before a unit is created again, one is looked for that can only be
ours: of the same type, code and name in the same place, and nobody else's.
"""

import threading
from collections.abc import Collection
from datetime import UTC, date, datetime, time
from typing import TypeVar
from zoneinfo import ZoneInfo

from roster_pipeline.brightspace.changes import ROOT_KEY, Confirmed, Entity, OrgUnitChange, OrgUnitFields, ParentRef
from roster_pipeline.brightspace.client import BrightspaceClient
from roster_pipeline.brightspace.errors import AmbiguousError, BrightspaceError, NotFoundError, OutcomeUnknownError
from roster_pipeline.brightspace.parallel import KeyLocks

Value = TypeVar("Value")

_TEMPLATE_KIND = "course_template"
_OFFERING_KIND = "course_offering"
_SEMESTER_TYPE = "semester"
#: Brightspace's names of the types that have calls of their own.
_TYPE_NAMES: dict[Entity, str] = {
    "template": "Course Template",
    "offering": "Course Offering",
    "section": "Section",
}
#: An end date holds to the end of its day.
_END_OF_DAY = time(23, 59, 59)


class NotDeliverableError(BrightspaceError):
    """The change cannot be made now; the message says why."""


class OrgUnitDelivery:
    """For any number of threads. `managed_ids` are units that belong to some object already."""

    def __init__(
        self, client: BrightspaceClient, timezone: ZoneInfo, managed_ids: Collection[int], *, look_up_first: bool
    ) -> None:
        self._client = client
        self._timezone = timezone
        self._look_up_first = look_up_first
        self._taken = set(managed_ids)
        self._lock = threading.Lock()
        self._twins = KeyLocks()

    def deliver(self, entity: Entity, change: OrgUnitChange) -> Confirmed:
        """Apply one change. Raises BrightspaceError."""
        id_ = change.brightspace_id
        if change.action == "create":
            fields = needed(change.after)
            id_ = self._take_up_again(entity, id_, fields) or self._create(
                entity, fields, link_existing=change.link_existing, code_is_shared=change.code_is_shared
            )
        elif change.action == "update":
            id_ = self._update(entity, change)
        elif change.action == "inactivate" and entity == "offering":
            self._inactivate(needed(id_))
        elif change.action == "delete":
            self._client.organization.recycle(needed(id_))
        return Confirmed(change.kind, change.sourced_id, id_, "delivered")

    def _take_up_again(self, entity: Entity, id_: int | None, fields: OrgUnitFields) -> int | None:
        """The unit that was made for this object before it was let go of, where Brightspace still has it."""
        with self._lock:
            if id_ is None or id_ in self._taken:
                return None
            self._taken.add(id_)
        parent_ids = self._parent_ids(fields)
        try:
            self._settle(entity, id_, fields, parent_ids)
        except NotFoundError:
            return None
        return id_

    def _create(
        self, entity: Entity, fields: OrgUnitFields, *, link_existing: bool, code_is_shared: bool = False
    ) -> int:
        # Twins, equal in all that a search goes by, come one after the other: else one's search would find what the
        # other has just made. Codes alone repeat too often for that, so they only count where they are searched by.
        name = None if link_existing else fields.name
        offering = fields.parents if entity == "section" else None
        with self._twins[entity, fields.code, name, offering]:
            return self._find_or_create(entity, fields, link_existing=link_existing, code_is_shared=code_is_shared)

    def _find_or_create(
        self, entity: Entity, fields: OrgUnitFields, *, link_existing: bool, code_is_shared: bool
    ) -> int:
        parent_ids = self._parent_ids(fields)
        found: int | None = None
        if link_existing and not code_is_shared:
            found = self._linkable(entity, fields)
        if found is None and self._look_up_first:
            found = self._own(entity, fields, parent_ids)
        if found is None and link_existing and code_is_shared:
            self._demand_no_other(entity, fields)
        if found is None:
            try:
                return self._create_new(entity, fields, parent_ids)
            except OutcomeUnknownError:
                found = self._own(entity, fields, parent_ids)
                if found is None:
                    raise
        self._settle(entity, found, fields, parent_ids)
        return found

    def _create_new(self, entity: Entity, fields: OrgUnitFields, parent_ids: list[int]) -> int:
        courses, organization = self._client.courses, self._client.organization
        if entity == "upper_org_unit":
            type_id = organization.type_named(fields.type_name).id
            return self._take(organization.create(type_id, fields.name, fields.code, parent_ids).id)
        if entity == "template":
            return self._take(courses.create_template(fields.name, fields.code, parent_ids))
        if entity == "section":
            offering_id = self._parent_of_kind(fields, _OFFERING_KIND)
            courses.ensure_section_settings(offering_id)
            return self._take(courses.create_section(offering_id, fields.name, fields.code).id)
        template_id, semester_id = self._parent_of_kind(fields, _TEMPLATE_KIND), self._semester(fields)
        start, end = self._moments(fields)
        offering = courses.create_offering(fields.name, fields.code, template_id, semester_id, start, end)
        self._take(offering.id)
        # Creation can neither set further parents nor make an offering inactive.
        for parent_id in parent_ids:
            if parent_id not in {template_id, semester_id}:
                organization.add_parent(offering.id, parent_id)
        courses.change_offering(offering, is_active=fields.is_active)
        return offering.id

    def _settle(self, entity: Entity, id_: int, fields: OrgUnitFields, parent_ids: list[int]) -> None:
        """Bring a unit that was found to where a new one would be."""
        self._rewrite(entity, id_, fields, {"name", "code", "start_date", "end_date", "is_active"})
        if entity != "section":
            there = {unit.id for unit in self._client.organization.parents(id_)}
            for parent_id in parent_ids:
                if parent_id not in there:
                    self._client.organization.add_parent(id_, parent_id)

    def _update(self, entity: Entity, change: OrgUnitChange) -> int:
        id_, before, after = self._take(needed(change.brightspace_id)), needed(change.before), needed(change.after)
        try:
            self._change(entity, id_, before, after)
        except NotFoundError:
            # Deleted by hand, and the SIS still has it. In the recycle bin its content and its people are still in it.
            try:
                self._client.organization.restore(id_)
            except NotFoundError:
                return self._create(entity, after, link_existing=False)
            self._change(entity, id_, before, after)
        return id_

    def _change(self, entity: Entity, id_: int, before: OrgUnitFields, after: OrgUnitFields) -> None:
        """Write what is different. Raises NotFoundError where the unit is gone."""
        parent_ids = self._parent_ids(after)
        changed = {name for name in vars(after) if getattr(before, name) != getattr(after, name)}
        self._rewrite(entity, id_, after, changed)
        if "parents" in changed and entity != "section":
            old = {parent.brightspace_id for parent in before.parents if parent.brightspace_id}
            if any(parent.key == ROOT_KEY for parent in before.parents):
                old.add(self._client.organization.root_id())
            there = {unit.id for unit in self._client.organization.parents(id_)}
            for parent_id in parent_ids:
                if parent_id not in there:
                    self._client.organization.add_parent(id_, parent_id)
            for parent_id in (old & there) - set(parent_ids):
                self._client.organization.remove_parent(id_, parent_id)

    def _rewrite(self, entity: Entity, id_: int, fields: OrgUnitFields, changed: Collection[str]) -> None:
        """Write the changed fields, and leave those alone that a person may have changed."""
        organization, courses = self._client.organization, self._client.courses
        if entity == "offering":
            start, end = self._moments(fields)
            wanted = {
                "name": fields.name,
                "code": fields.code,
                "start_date": start,
                "end_date": end,
                "is_active": fields.is_active,
            }
            offering = courses.offering(id_)
            if offering is None:
                raise NotFoundError(f"offering {id_} is gone from Brightspace", status=404)
            courses.change_offering(offering, **{name: value for name, value in wanted.items() if name in changed})
            return
        if not {"name", "code"} & set(changed):
            return
        unit = organization.get(id_)
        if unit is None:
            raise NotFoundError(f"org unit {id_} is gone from Brightspace", status=404)
        name = fields.name if "name" in changed else unit.name
        code = fields.code if "code" in changed else unit.code or fields.code
        if (name, code) == (unit.name, unit.code):
            return
        if entity == "template":
            courses.change_template(id_, name, code)
        elif entity == "section":
            courses.change_section(self._parent_of_kind(fields, _OFFERING_KIND), id_, name, code)
        else:
            organization.change(id_, name, code)

    def _inactivate(self, id_: int) -> None:
        offering = self._client.courses.offering(id_)
        if offering is not None:
            self._client.courses.change_offering(offering, is_active=False)

    def _own(self, entity: Entity, fields: OrgUnitFields, parent_ids: list[int]) -> int | None:
        """A unit that an earlier try has made; its id is taken with that."""
        if entity == "section":
            sections = self._client.courses.sections(self._parent_of_kind(fields, _OFFERING_KIND))
            found = [section.id for section in sections if (section.name, section.code) == (fields.name, fields.code)]
        else:
            first_parents = set(parent_ids)
            if entity == "offering":
                # The others are added after creation, and the try may have ended before.
                first_parents = {self._parent_of_kind(fields, _TEMPLATE_KIND)}
            found = [
                unit.id
                for unit in self._client.organization.find(fields.code, self._type_id(entity, fields), fields.name)
                if unit.id not in self._taken
                and first_parents <= {parent.id for parent in self._client.organization.parents(unit.id)}
            ]
        with self._lock:
            free = [id_ for id_ in found if id_ not in self._taken]
            if not free:
                return None
            self._taken.add(min(free))
            return min(free)

    def _linkable(self, entity: Entity, fields: OrgUnitFields) -> int | None:
        """The one unit of the same code and type, unless it belongs to some object already. Raises AmbiguousError."""
        found = self._of_same_code(entity, fields)
        with self._lock:
            free = [id_ for id_ in found if id_ not in self._taken]
            if free and len(found) > 1:
                raise _ambiguous(entity, fields, f"Brightspace has {len(found)} units with it")
            self._taken.update(free)
        return free[0] if free else None

    def _demand_no_other(self, entity: Entity, fields: OrgUnitFields) -> None:
        """Raises AmbiguousError where a unit made outside has a code that several objects of the SIS share."""
        found = self._of_same_code(entity, fields)
        with self._lock:
            if any(id_ not in self._taken for id_ in found):
                raise _ambiguous(entity, fields, "several objects of the SIS share it")

    def _of_same_code(self, entity: Entity, fields: OrgUnitFields) -> list[int]:
        if entity == "section":
            sections = self._client.courses.sections(self._parent_of_kind(fields, _OFFERING_KIND))
            return [section.id for section in sections if section.code == fields.code]
        return [unit.id for unit in self._client.organization.find(fields.code, self._type_id(entity, fields))]

    def _type_id(self, entity: Entity, fields: OrgUnitFields) -> int:
        return self._client.organization.type_named(_TYPE_NAMES.get(entity, fields.type_name)).id

    def _take(self, id_: int) -> int:
        with self._lock:
            self._taken.add(id_)
        return id_

    def _parent_ids(self, fields: OrgUnitFields) -> list[int]:
        """Raises NotDeliverableError where a parent is not there."""
        return [self._parent_id(parent) for parent in fields.parents]

    def _parent_id(self, parent: ParentRef) -> int:
        if parent.key == ROOT_KEY:
            return self._client.organization.root_id()
        if parent.brightspace_id is None:
            raise NotDeliverableError(f"its parent {parent.key} is not in Brightspace; see that one's error")
        return parent.brightspace_id

    def _parent_of_kind(self, fields: OrgUnitFields, kind: str) -> int:
        for parent in fields.parents:
            if parent.key.startswith(f"{kind}:"):
                return self._parent_id(parent)
        raise NotDeliverableError(f"it has no {kind} to hang below")

    def _semester(self, fields: OrgUnitFields) -> int | None:
        found = [parent for parent in fields.parents if parent.type_name.casefold() == _SEMESTER_TYPE]
        return self._parent_id(found[0]) if found else None

    def _moments(self, fields: OrgUnitFields) -> tuple[datetime | None, datetime | None]:
        return self._moment(fields.start_date, time.min), self._moment(fields.end_date, _END_OF_DAY)

    def _moment(self, day: date | None, clock: time) -> datetime | None:
        return None if day is None else datetime.combine(day, clock, self._timezone).astimezone(UTC)


def _ambiguous(entity: Entity, fields: OrgUnitFields, why: str) -> AmbiguousError:
    return AmbiguousError(
        f"{_TYPE_NAMES.get(entity, fields.type_name)} code {fields.code}: it is in Brightspace already, and {why}. "
        "Nothing was linked or created. Make codes unique, or switch linking off."
    )


def needed(value: Value | None) -> Value:
    """What the action of a change cannot do without. Raises ValueError."""
    if value is None:
        raise ValueError("the change lacks what its action needs: create after, update both, the others the id")
    return value

"""A tenant's org units: a tree in which a unit may hang below several others."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from roster_pipeline.brightspace import limits
from roster_pipeline.brightspace.limits import TextLimit
from roster_pipeline.sandbox.brightspace.objects import (
    BUILT_IN,
    COURSE_OFFERING,
    COURSE_TEMPLATE,
    DEPARTMENT,
    ORGANIZATION,
    SECTION,
    SEMESTER,
    Clock,
    Creation,
    OrgUnit,
    OrgUnitType,
    SectionSettings,
    check_text,
    invalid,
    missing,
)


class OrgTree:
    """Org unit types and org units; `linked` and `unlinked` are called when a unit gets or loses a parent."""

    def __init__(
        self,
        new_id: Callable[[], int],
        first_type_id: int,
        custom_types: Iterable[str],
        clock: Clock,
        creations: list[Creation],
        linked: Callable[[int, int], None],
        unlinked: Callable[[int], None],
    ) -> None:
        self._new_id = new_id
        self._clock = clock
        self._creations = creations
        self._linked = linked
        self._unlinked = unlinked
        self._first_type_id = first_type_id
        self.types: dict[int, OrgUnitType] = {}
        self.org_units: dict[int, OrgUnit] = {}
        """All of them, those in the recycle bin too."""
        self._children: defaultdict[int, set[int]] = defaultdict(set)
        self._units_by_code: defaultdict[str, set[int]] = defaultdict(set)
        for name in (ORGANIZATION, COURSE_TEMPLATE, COURSE_OFFERING, SEMESTER, DEPARTMENT, SECTION):
            self._add_type(name, BUILT_IN.get(name))
        for name in custom_types:
            self.add_type(name)
        root = OrgUnit(new_id(), self.type_named(ORGANIZATION), "Sandbox Organization", "", [], clock())
        self.org_units[root.id] = root
        self.root_id = root.id

    def add_type(self, name: str, code: str | None = None) -> OrgUnitType:
        """Configure a custom org unit type, as an administrator does; its code is the name in small letters."""
        return self._add_type(name, None, code, is_custom=True)

    def type_named(self, name: str) -> OrgUnitType:
        """Raises KeyError."""
        return {type_.name: type_ for type_ in self.types.values()}[name]

    def _add_type(self, name: str, id_: int | None, code: str | None = None, *, is_custom: bool = False) -> OrgUnitType:
        type_ = OrgUnitType(id_ or self._first_type_id + len(self.types), code or name.lower(), name, is_custom)
        self.types[type_.id] = type_
        return type_

    def get(self, id_: int) -> OrgUnit:
        """A unit that is not in the recycle bin. Raises TenantError (404)."""
        unit = self.org_units.get(id_)
        if unit is None or unit.recycled:
            raise missing(f"there is no org unit {id_}")
        return unit

    def of_type(self, id_: int, type_name: str) -> OrgUnit:
        """Raises TenantError (404) also where the unit is of another type."""
        unit = self.get(id_)
        if unit.type.name != type_name:
            raise missing(f"org unit {id_} is no {type_name}")
        return unit

    def with_code(self, code: str) -> list[OrgUnit]:
        """Units out of the recycle bin, oldest first: the platform does not keep codes unique."""
        found = (self.org_units[id_] for id_ in sorted(self._units_by_code.get(code, ())))
        return [unit for unit in found if not unit.recycled]

    def visible(self) -> Iterator[OrgUnit]:
        return (unit for _, unit in sorted(self.org_units.items()) if not unit.recycled)

    def parents(self, id_: int) -> list[OrgUnit]:
        return [self.org_units[parent] for parent in self.get(id_).parents if not self.org_units[parent].recycled]

    def children(self, id_: int) -> list[OrgUnit]:
        found = (self.org_units[child] for child in sorted(self._children.get(id_, ())))
        return [unit for unit in found if not unit.recycled]

    def ancestors(self, id_: int) -> set[int]:
        return set(self._reach(id_, lambda unit: self.org_units[unit].parents))

    def descendants(self, id_: int) -> set[int]:
        return set(self._reach(id_, lambda unit: self._children.get(unit, ())))

    def create(
        self,
        type_id: int,
        name: str,
        code: str,
        parents: Iterable[int],
        *,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
        description: str = "",
    ) -> OrgUnit:
        """Raises TenantError (400): unknown type or parent, a name or code that the platform does not take."""
        type_ = self.types.get(type_id)
        if type_ is None or type_.name == ORGANIZATION:
            raise invalid(f"org units of type {type_id} cannot be created")
        self._check_name_and_code(name, code)
        above = list(dict.fromkeys(parents))
        for parent in above:
            self._check_parent(parent)
        unit = OrgUnit(self._new_id(), type_, name, code, [], self._clock(), description=description)
        unit.path = f"/content/enforced/{unit.id}/"
        unit.start_date, unit.end_date = start_date, end_date
        twins = sum(other.type == type_ for other in self.with_code(code))
        self._creations.append(Creation("org_unit", (type_.name, code, unit.id), twins))
        self.org_units[unit.id] = unit
        self._units_by_code[code].add(unit.id)
        for parent in above:
            self._link(parent, unit.id)
        return unit

    def create_template(self, name: str, code: str, parents: Iterable[int]) -> OrgUnit:
        return self.create(self.type_named(COURSE_TEMPLATE).id, name, code, parents)

    def create_offering(
        self,
        name: str,
        code: str,
        template_id: int,
        semester_id: int | None = None,
        *,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
        description: str = "",
    ) -> OrgUnit:
        """A new offering, active. Raises TenantError (400)."""
        for id_, type_name in ((template_id, COURSE_TEMPLATE), (semester_id, SEMESTER)):
            if id_ is None:
                continue
            unit = self.org_units.get(id_)
            if unit is None or unit.recycled or unit.type.name != type_name:
                raise invalid(f"{id_} is no {type_name}")
        above = [template_id] if semester_id is None else [template_id, semester_id]
        return self.create(
            self.type_named(COURSE_OFFERING).id,
            name,
            code,
            above,
            start_date=start_date,
            end_date=end_date,
            description=description,
        )

    def set_section_settings(self, offering_id: int, settings: SectionSettings) -> None:
        self.of_type(offering_id, COURSE_OFFERING).section_settings = settings

    def rename(self, id_: int, name: str, code: str) -> OrgUnit:
        """Change name and code. Raises TenantError (400, 404)."""
        unit = self.get(id_)
        self._check_name_and_code(name, code)
        self._units_by_code[unit.code].discard(id_)
        self._units_by_code[code].add(id_)
        unit.name, unit.code = name, code
        return unit

    def add_parent(self, id_: int, parent_id: int) -> None:
        """Raises TenantError: 404, or 400 where the unit would hang below itself."""
        self.get(id_)
        self._check_parent(parent_id)
        if parent_id == id_ or parent_id in self.descendants(id_):
            raise invalid(f"org unit {id_} cannot hang below itself")
        if parent_id not in self.org_units[id_].parents:
            self._link(parent_id, id_)

    def remove_parent(self, id_: int, parent_id: int) -> None:
        """Raises TenantError: 404, or 400 where an offering would lose its template."""
        unit = self.get(id_)
        if parent_id not in unit.parents:
            raise missing(f"org unit {parent_id} is no parent of {id_}")
        templates = [parent for parent in self.parents(id_) if parent.type.name == COURSE_TEMPLATE]
        if unit.type.name == COURSE_OFFERING and [parent.id for parent in templates] == [parent_id]:
            raise invalid(f"offering {id_} needs a template")
        unit.parents.remove(parent_id)
        self._children[parent_id].discard(id_)
        self._unlinked(id_)

    def recycle(self, id_: int) -> None:
        """Into the recycle bin, with everything in it. Raises TenantError (400, 404)."""
        if id_ == self.root_id:
            raise invalid("the organization cannot be deleted")
        self.get(id_).recycled = self._clock()

    def restore(self, id_: int) -> None:
        self.in_recycle_bin(id_).recycled = None

    def forget(self, id_: int) -> None:
        """Out of the recycle bin and gone; whoever is enrolled must be gone before. Raises TenantError (404)."""
        unit = self.in_recycle_bin(id_)
        for parent in unit.parents:
            self._children[parent].discard(id_)
        for child in self._children.pop(id_, set()):
            self.org_units[child].parents.remove(id_)
        self._units_by_code[unit.code].discard(id_)
        del self.org_units[id_]

    def in_recycle_bin(self, id_: int) -> OrgUnit:
        unit = self.org_units.get(id_)
        if unit is None or not unit.recycled:
            raise missing(f"org unit {id_} is not in the recycle bin")
        return unit

    def _link(self, parent_id: int, id_: int) -> None:
        self.org_units[id_].parents.append(parent_id)
        self._children[parent_id].add(id_)
        self._linked(parent_id, id_)

    def _reach(self, start: int, neighbours: Callable[[int], Iterable[int]]) -> Iterator[int]:
        seen, ahead = {start}, [start]
        while ahead:
            for unit in neighbours(ahead.pop()):
                if unit not in seen:
                    seen.add(unit)
                    ahead.append(unit)
                    yield unit

    def _check_parent(self, id_: int) -> None:
        if id_ not in self.org_units or self.org_units[id_].recycled:
            raise invalid(f"there is no org unit {id_} to hang below")

    def _check_name_and_code(self, name: str, code: str) -> None:
        check_text("Name", name, TextLimit(limits.NAME_LENGTH, forbidden=""))
        check_text("Code", code, limits.CODE)

"""The organization over the API: types, roles, org units and their places."""

import threading
from collections.abc import Iterator
from typing import Any

from roster_pipeline.brightspace.connection import ApiConnection
from roster_pipeline.brightspace.errors import BrightspaceError, NotFoundError
from roster_pipeline.brightspace.models import OrgUnit, OrgUnitType, Role
from roster_pipeline.brightspace.paging import paged_result_set


class UnknownNameError(BrightspaceError):
    """The tenant has no type or role of this name."""


class Organization:
    """Types and roles are found by name, because their ids differ from tenant to tenant; both are read once."""

    def __init__(self, connection: ApiConnection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._types: list[OrgUnitType] | None = None
        self._roles: list[Role] | None = None
        self._root_id: int | None = None

    def root_id(self) -> int:
        """The organization's own org unit."""
        with self._lock:
            if self._root_id is None:
                self._root_id = int(self._connection.get("lp", "/organization/info")["Identifier"])
            return self._root_id

    def types(self) -> list[OrgUnitType]:
        with self._lock:
            if self._types is None:
                found = self._connection.get("lp", "/outypes/")
                self._types = [OrgUnitType(int(each["Id"]), each["Code"], each["Name"]) for each in found]
            return self._types

    def type_named(self, name: str) -> OrgUnitType:
        """By name or code, in any letter case. Raises UnknownNameError."""
        wanted = name.casefold()
        for type_ in self.types():
            if wanted in {type_.name.casefold(), type_.code.casefold()}:
                return type_
        known = ", ".join(sorted(type_.name for type_ in self.types()))
        raise UnknownNameError(
            f"{self._connection.url} has no org unit type {name!r}; it has {known}. "
            "Add it in Brightspace, or correct courses.org_types or courses.session_types."
        )

    def roles(self) -> list[Role]:
        with self._lock:
            if self._roles is None:
                found = self._connection.get("lp", "/roles/")
                self._roles = [Role(int(each["Identifier"]), each["DisplayName"], each.get("Code")) for each in found]
            return self._roles

    def role_named(self, name: str) -> Role:
        """By name, else code, in any letter case. Raises UnknownNameError."""
        wanted = name.casefold()
        for key in ("name", "code"):
            for role in self.roles():
                if (getattr(role, key) or "").casefold() == wanted:
                    return role
        known = ", ".join(sorted(role.name for role in self.roles()))
        raise UnknownNameError(f"{self._connection.url} has no role {name!r}; it has {known}. Correct people.roles.")

    def find(self, code: str, type_id: int | None = None, name: str | None = None) -> list[OrgUnit]:
        """Org units with exactly this code, and name: Brightspace keeps neither unique."""
        found = paged_result_set(
            self._connection,
            "lp",
            "/orgstructure/",
            exactOrgUnitCode=code,
            exactOrgUnitName=name,
            orgUnitType=type_id,
        )
        return [unit for unit in map(_org_unit, found) if unit.code == code and name in {None, unit.name}]

    def all(self, type_id: int | None = None) -> Iterator[OrgUnit]:
        """Every org unit that the service user sees."""
        return map(_org_unit, paged_result_set(self._connection, "lp", "/orgstructure/", orgUnitType=type_id))

    def get(self, id_: int) -> OrgUnit | None:
        """None where it is not there or in the recycle bin."""
        try:
            return _org_unit(self._connection.get("lp", f"/orgstructure/{id_}"))
        except NotFoundError:
            return None

    def create(self, type_id: int, name: str, code: str, parent_ids: list[int]) -> OrgUnit:
        """A custom unit, department or semester. Raises OutcomeUnknownError."""
        block = {"Type": type_id, "Name": name, "Code": code, "Parents": parent_ids}
        return _org_unit(self._connection.post("lp", "/orgstructure/", block))

    def change(self, id_: int, name: str, code: str) -> OrgUnit:
        """Name and code. Raises NotFoundError."""
        # The rest of the block goes back as it came: a wrong path is refused.
        block = self._connection.get("lp", f"/orgstructure/{id_}")
        if not block.get("Path"):
            listed = paged_result_set(self._connection, "lp", "/orgstructure/", exactOrgUnitCode=block["Code"])
            block = next((each for each in listed if int(each["Identifier"]) == id_), block)
        return _org_unit(self._connection.put("lp", f"/orgstructure/{id_}", {**block, "Name": name, "Code": code}))

    def parents(self, id_: int) -> list[OrgUnit]:
        return [_org_unit(each) for each in self._connection.get("lp", f"/orgstructure/{id_}/parents/")]

    def children(self, id_: int, type_id: int | None = None) -> Iterator[OrgUnit]:
        path = f"/orgstructure/{id_}/children/paged/"
        return map(_org_unit, paged_result_set(self._connection, "lp", path, ouTypeId=type_id))

    def add_parent(self, id_: int, parent_id: int) -> None:
        self._connection.post("lp", f"/orgstructure/{id_}/parents/", parent_id, repeatable=True)

    def remove_parent(self, id_: int, parent_id: int) -> None:
        """Nothing happens where the unit does not hang there."""
        try:
            self._connection.delete("lp", f"/orgstructure/{id_}/parents/{parent_id}")
        except NotFoundError:
            if self.get(id_) is None:
                raise

    def recycle(self, id_: int) -> None:
        """Into the recycle bin, from where a person can restore it. Nothing happens where it is gone already."""
        try:
            self._connection.post("lp", f"/orgstructure/recyclebin/{id_}/recycle", repeatable=True)
        except NotFoundError:
            if self.get(id_) is not None:
                raise

    def restore(self, id_: int) -> None:
        """Out of the recycle bin. Nothing happens where the unit is not in there but in its place."""
        try:
            self._connection.post("lp", f"/orgstructure/recyclebin/{id_}/restore", repeatable=True)
        except NotFoundError:
            if self.get(id_) is None:
                raise


def _org_unit(block: Any) -> OrgUnit:
    return OrgUnit(int(block["Identifier"]), int(block["Type"]["Id"]), block["Name"], block["Code"], block.get("Path"))

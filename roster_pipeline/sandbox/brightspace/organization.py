"""Operations on the organization: types, roles, org units, recycle bin."""

from collections.abc import Iterable
from typing import Any

from roster_pipeline.sandbox.brightspace.answers import Json, paged_result_set
from roster_pipeline.sandbox.brightspace.objects import (
    COURSE_OFFERING,
    COURSE_TEMPLATE,
    ORGANIZATION,
    SECTION,
    OrgUnit,
    OrgUnitType,
    invalid,
    missing,
)
from roster_pipeline.sandbox.brightspace.operations import Call, Operations

OPERATIONS = Operations()
_READ = "organizations:organization:read"
_UPDATE = "organizations:organization:update"
_DELETE = "organizations:organization:delete"


def type_info(type_: OrgUnitType) -> Json:
    return {"Id": type_.id, "Code": type_.code, "Name": type_.name}


def _type(type_: OrgUnitType) -> Json:
    permissions = {"CanEdit": type_.is_custom, "CanDelete": type_.is_custom}
    return {**type_info(type_), "Description": "", "SortOrder": type_.id, "Permissions": permissions}


def org_unit(unit: OrgUnit) -> Json:
    """Ids of org units are text here, and numbers elsewhere."""
    return {
        "Identifier": str(unit.id),
        "Name": unit.name,
        "Code": unit.code or None,
        "Path": unit.path,
        "Type": type_info(unit.type),
    }


@OPERATIONS.add("GET", "/organization/info", scope=None)
def organization(call: Call) -> Json:
    root = call.tenant.tree.org_units[call.tenant.tree.root_id]
    return {"Identifier": str(root.id), "Name": root.name, "TimeZone": "America/Chicago"}


@OPERATIONS.add("GET", "/outypes/")
def types(call: Call) -> list[Json]:
    return [_type(type_) for type_ in call.tenant.tree.types.values()]


@OPERATIONS.add("POST", "/outypes/")
def create_type(call: Call) -> Json:
    return _type(call.tenant.tree.add_type(call.field("Name", str), call.field("Code", str)))


@OPERATIONS.add("GET", "/roles/", "role:detail:read")
def roles(call: Call) -> list[Json]:
    return [
        {
            "Identifier": str(role.id),
            "DisplayName": role.name,
            "Code": role.code,
            "Description": "",
            "RoleAlias": role.name,
            "IsCascading": role.is_cascading,
            "ShowInGrades": role.shows_in_grades,
            "InClassList": True,
        }
        for role in call.tenant.roles.values()
    ]


@OPERATIONS.add("GET", "/orgstructure/", _READ)
def find_org_units(call: Call) -> Json:
    """`orgUnitCode` and `orgUnitName` look for a part of the text; the exact ones for all of it."""
    tree = call.tenant.tree
    exact_code, exact_name = call.query("exactOrgUnitCode"), call.query("exactOrgUnitName")
    code, name, type_id = call.query("orgUnitCode"), call.query("orgUnitName"), call.query("orgUnitType")
    units: Iterable[OrgUnit] = tree.with_code(exact_code) if exact_code else tree.visible()
    found = [
        (unit.id, unit)
        for unit in units
        if (not type_id or str(unit.type.id) == type_id)
        and (not exact_name or unit.name == exact_name)
        and (not code or code.lower() in unit.code.lower())
        and (not name or name.lower() in unit.name.lower())
    ]
    page = paged_result_set(found, call.query("bookmark"), call.settings.page_size)
    return {**page, "Items": [org_unit(unit) for unit in page["Items"]]}


@OPERATIONS.add("POST", "/orgstructure/", "organizations:organization:create")
def create_org_unit(call: Call) -> Json:
    type_id = call.field("Type", int)
    type_ = call.tenant.tree.types.get(type_id)
    if type_ is None or type_.name in {ORGANIZATION, COURSE_TEMPLATE, COURSE_OFFERING, SECTION}:
        raise invalid(f"org units of type {type_id} are not created here")
    parents = _numbers(call.field("Parents", list))
    return org_unit(call.tenant.tree.create(type_id, call.field("Name", str), call.field("Code", str), parents))


@OPERATIONS.add("GET", "/orgstructure/orphans/", _READ)
def orphans(call: Call) -> Json:
    tree = call.tenant.tree
    found = [(unit.id, unit) for unit in tree.visible() if not tree.parents(unit.id) and unit.id != tree.root_id]
    page = paged_result_set(found, call.query("bookmark"), call.settings.page_size)
    return {**page, "Items": [org_unit(unit) for unit in page["Items"]]}


@OPERATIONS.add("GET", "/orgstructure/recyclebin/", _DELETE)
def recycle_bin(call: Call) -> Json:
    found = [(unit.id, unit) for _, unit in sorted(call.tenant.tree.org_units.items()) if unit.recycled]
    page = paged_result_set(found, call.query("bookmark"), call.settings.page_size)
    return {**page, "Items": [org_unit(unit) for unit in page["Items"]]}


@OPERATIONS.add("POST", "/orgstructure/recyclebin/{id:int}/recycle", _DELETE)
def recycle(call: Call) -> None:
    call.tenant.tree.recycle(call.id())


@OPERATIONS.add("POST", "/orgstructure/recyclebin/{id:int}/restore", _UPDATE)
def restore(call: Call) -> None:
    call.tenant.tree.restore(call.id())


@OPERATIONS.add("DELETE", "/orgstructure/recyclebin/{id:int}", _DELETE)
def delete_for_good(call: Call) -> None:
    call.tenant.delete_org_unit_for_good(call.id())


@OPERATIONS.add("GET", "/orgstructure/{id:int}", _READ)
def get_org_unit(call: Call) -> Json:
    return org_unit(call.tenant.tree.get(call.id()))


@OPERATIONS.add("PUT", "/orgstructure/{id:int}", _UPDATE)
def change_org_unit(call: Call) -> Json:
    """Name, code and path are taken; type and id cannot change, and a wrong path is refused."""
    unit = call.tenant.tree.get(call.id())
    if call.field("Path", str, "") != unit.path:
        raise invalid("Path is not valid")
    return org_unit(call.tenant.tree.rename(unit.id, call.field("Name", str), call.field("Code", str)))


def _relatives(call: Call, relation: str) -> list[OrgUnit]:
    tree = call.tenant.tree
    tree.get(call.id())
    if relation == "parents":
        units = tree.parents(call.id())
    elif relation == "children":
        units = tree.children(call.id())
    else:
        ids = tree.ancestors(call.id()) if relation == "ancestors" else tree.descendants(call.id())
        units = [unit for id_ in sorted(ids) if not (unit := tree.org_units[id_]).recycled]
    type_id = call.query("ouTypeId")
    return [unit for unit in units if not type_id or str(unit.type.id) == type_id]


@OPERATIONS.add("GET", "/orgstructure/{id:int}/{relation}/", _READ)
def relatives(call: Call) -> list[Json]:
    relation = call.request.path_params["relation"]
    if relation not in {"parents", "children", "ancestors", "descendants"}:
        raise missing(f"there is no {relation}")
    return [org_unit(unit) for unit in _relatives(call, relation)]


@OPERATIONS.add("GET", "/orgstructure/{id:int}/{relation}/paged/", _READ)
def paged_relatives(call: Call) -> Json:
    relation = call.request.path_params["relation"]
    if relation not in {"children", "descendants"}:
        raise missing(f"there is no {relation}")
    rows = sorted((unit.id, org_unit(unit)) for unit in _relatives(call, relation))
    return paged_result_set(rows, call.query("bookmark"), call.settings.page_size)


@OPERATIONS.add("POST", "/orgstructure/{id:int}/parents/", _UPDATE)
def add_parent(call: Call) -> None:
    call.tenant.tree.add_parent(call.id(), bare_number(call))


@OPERATIONS.add("POST", "/orgstructure/{id:int}/children/", _UPDATE)
def add_child(call: Call) -> None:
    call.tenant.tree.add_parent(bare_number(call), call.id())


@OPERATIONS.add("DELETE", "/orgstructure/{id:int}/parents/{other:int}", _UPDATE)
def remove_parent(call: Call) -> None:
    call.tenant.tree.remove_parent(call.id(), call.id("other"))


@OPERATIONS.add("DELETE", "/orgstructure/{id:int}/children/{other:int}", _UPDATE)
def remove_child(call: Call) -> None:
    call.tenant.tree.remove_parent(call.id("other"), call.id())


def bare_number(call: Call) -> int:
    """A body that is nothing but a number."""
    if not isinstance(call.json, int) or isinstance(call.json, bool):
        raise invalid("the body must be a number")
    return call.json


def _numbers(values: list[Any]) -> list[int]:
    if not all(isinstance(value, int) for value in values):
        raise invalid("ids must be numbers")
    return values

"""Operations on users, enrollments and auditors."""

from typing import Any

from roster_pipeline.brightspace.limits import BATCH_ROWS
from roster_pipeline.sandbox.brightspace.answers import Json, paged_result_set, utc_text
from roster_pipeline.sandbox.brightspace.objects import Enrollment, Role, TenantError, User, invalid, missing
from roster_pipeline.sandbox.brightspace.operations import Call, Operations, field
from roster_pipeline.sandbox.brightspace.organization import bare_number, type_info

OPERATIONS = Operations()
_ENROLLMENT_READ = "enrollment:orgunit:read"


@OPERATIONS.add("GET", "/users/whoami")
def whoami(call: Call) -> Json:
    user = call.tenant.directory.get(call.settings.service_user_id)
    return {
        "Identifier": str(user.id),
        "FirstName": user.first_name,
        "LastName": user.last_name,
        "UniqueName": user.username,
        "ProfileIdentifier": "",
        "Pronouns": "",
    }


@OPERATIONS.add("GET", "/users/", "users:userdata:read")
def find_users(call: Call) -> Any:
    """Three shapes: an array by org-defined id or address, one object by username, pages without a filter."""
    directory = call.tenant.directory
    org_defined_id, username, email = call.query("orgDefinedId"), call.query("userName"), call.query("externalEmail")
    if org_defined_id or (email and not username):
        found = (
            directory.with_org_defined_id(org_defined_id)
            if org_defined_id
            else [user for user in directory.users.values() if user.email == email]
        )
        if not found:
            raise missing("there is no such user")
        return [_user(call, user) for user in found]
    if username:
        user = directory.named(username)
        if user is None:
            raise missing("there is no such user")
        return _user(call, user)
    rows = sorted(directory.users.items())
    page = paged_result_set(rows, call.query("bookmark"), call.settings.page_size)
    return {**page, "Items": [_user(call, user) for user in page["Items"]]}


@OPERATIONS.add("POST", "/users/", "users:userdata:create")
def create_user(call: Call) -> Json:
    return _user(call, _create_user(call, call.json))


@OPERATIONS.add("POST", "/users/batch/", "users:userdata:create")
def create_users(call: Call) -> list[Json]:
    """Answers 200 whatever becomes of the rows: the body names those that failed."""
    failed: list[Json] = []
    for block in _batch(call):
        try:
            _create_user(call, block)
        except TenantError as error:
            name = block.get("UserName")
            failed.append({"UserName": name, "StatusError": error.status, "StatusMessage": error.detail})
    return failed


@OPERATIONS.add("GET", "/users/{id:int}", "users:userdata:read")
def get_user(call: Call) -> Json:
    return _user(call, call.tenant.directory.get(call.id()))


@OPERATIONS.add("PUT", "/users/{id:int}", "users:userdata:update")
def change_user(call: Call) -> Json:
    """Replaces the whole block; the role is no part of it."""
    user = call.tenant.directory.change(
        call.id(),
        username=call.field("UserName", str),
        org_defined_id=call.field("OrgDefinedId", str, None),
        first_name=call.field("FirstName", str),
        last_name=call.field("LastName", str),
        middle_name=call.field("MiddleName", str, None),
        email=call.field("ExternalEmail", str, None),
        is_active=field(call.field("Activation", dict), "IsActive", bool),
    )
    return _user(call, user)


@OPERATIONS.add("DELETE", "/users/{id:int}", "users:userdata:delete")
def delete_user(call: Call) -> None:
    call.tenant.delete_user(call.id())


@OPERATIONS.add("GET", "/users/{id:int}/activation", "users:activation:read")
def get_activation(call: Call) -> Json:
    return {"IsActive": call.tenant.directory.get(call.id()).is_active}


@OPERATIONS.add("PUT", "/users/{id:int}/activation", "users:activation:update")
def change_activation(call: Call) -> Json:
    call.tenant.directory.get(call.id()).is_active = call.field("IsActive", bool)
    return get_activation(call)


@OPERATIONS.add("POST", "/enrollments/", "enrollment:orgunit:create")
def enroll(call: Call) -> Json:
    return _enrollment(_enroll(call, call.json))


@OPERATIONS.add("POST", "/enrollments/batch/", "enrollment:orgunit:create")
def enroll_many(call: Call) -> list[Json]:
    """Answers 200 whatever becomes of the rows: the body names those that failed, nothing else."""
    failed: list[Json] = []
    for block in _batch(call):
        try:
            _enroll(call, block)
        except TenantError as error:
            ids = {name: block.get(name) for name in ("OrgUnitId", "UserId", "RoleId")}
            failed.append({"StatusCode": error.status, "StatusMessage": error.detail, **ids})
    return failed


@OPERATIONS.add("GET", "/enrollments/orgUnits/{ou:int}/users/", _ENROLLMENT_READ)
def enrollments_in(call: Call) -> Json:
    role_id = call.query("roleId")
    found = [
        (enrollment.user_id, enrollment)
        for enrollment in call.tenant.enrollments_in(call.id("ou"))
        if not role_id or str(enrollment.role.id) == role_id
    ]
    page = paged_result_set(found, call.query("bookmark"), call.settings.page_size)
    users = call.tenant.directory.users
    items = [{"User": user_info(users[each.user_id]), "Role": _role(each.role)} for each in page["Items"]]
    return {**page, "Items": items}


@OPERATIONS.add("GET", "/enrollments/orgUnits/{ou:int}/users/{user:int}", _ENROLLMENT_READ)
@OPERATIONS.add("GET", "/enrollments/users/{user:int}/orgUnits/{ou:int}", _ENROLLMENT_READ)
def get_enrollment(call: Call) -> Json:
    return _enrollment(call.tenant.enrollment(call.id("user"), call.id("ou")))


@OPERATIONS.add("DELETE", "/enrollments/orgUnits/{ou:int}/users/{user:int}", "enrollment:orgunit:delete")
@OPERATIONS.add("DELETE", "/enrollments/users/{user:int}/orgUnits/{ou:int}", "enrollment:orgunit:delete")
def unenroll(call: Call) -> Json:
    return _enrollment(call.tenant.unenroll(call.id("user"), call.id("ou")))


@OPERATIONS.add("GET", "/enrollments/users/{user:int}/orgUnits/", _ENROLLMENT_READ)
def enrollments_of(call: Call) -> Json:
    type_id, role_id = call.query("orgUnitTypeId"), call.query("roleId")
    units = call.tenant.tree.org_units
    found = [
        (enrollment.org_unit_id, enrollment)
        for enrollment in call.tenant.enrollments_of(call.id("user"))
        if (not role_id or str(enrollment.role.id) == role_id)
        and (not type_id or str(units[enrollment.org_unit_id].type.id) == type_id)
    ]
    page = paged_result_set(found, call.query("bookmark"), call.settings.page_size)
    items: list[Json] = []
    for each in page["Items"]:
        unit = units[each.org_unit_id]
        info = {"Id": unit.id, "Name": unit.name, "Code": unit.code or None, "Type": type_info(unit.type)}
        items.append({"OrgUnit": info, "Role": _role(each.role), "IsCascading": each.is_cascading})
    return {**page, "Items": items}


@OPERATIONS.add("GET", "/auditing/auditors/{id:int}/auditees/", component="le")
def auditees(call: Call) -> list[Json]:
    users = call.tenant.directory.users
    return [user_info(users[auditee]) for auditee in call.tenant.auditees(call.id())]


@OPERATIONS.add("POST", "/auditing/auditors/{id:int}/auditees/", component="le")
def add_auditee(call: Call) -> None:
    call.tenant.add_auditee(call.id(), bare_number(call))


@OPERATIONS.add("DELETE", "/auditing/auditors/{id:int}/auditees/", component="le")
def remove_auditee(call: Call) -> None:
    call.tenant.remove_auditee(call.id(), bare_number(call))


def user_info(user: User) -> Json:
    """A user as part of something else."""
    return {
        "Identifier": str(user.id),
        "DisplayName": f"{user.first_name} {user.last_name}",
        "EmailAddress": user.email,
        "OrgDefinedId": user.org_defined_id,
        "ProfileBadgeUrl": None,
        "ProfileIdentifier": "",
        "UserName": user.username,
    }


def _user(call: Call, user: User) -> Json:
    return {
        "OrgId": call.tenant.tree.root_id,
        "UserId": user.id,
        "FirstName": user.first_name,
        "MiddleName": user.middle_name,
        "LastName": user.last_name,
        "UserName": user.username,
        "ExternalEmail": user.email,
        "OrgDefinedId": user.org_defined_id,
        "UniqueIdentifier": user.username,
        "Activation": {"IsActive": user.is_active},
        "DisplayName": f"{user.first_name} {user.last_name}",
        "LastAccessedDate": None,
        "FirstLoginDate": utc_text(None),
        "Pronouns": user.pronouns,
    }


def _create_user(call: Call, block: Any) -> User:
    field(block, "SendCreationEmail", bool)
    return call.tenant.create_user(
        field(block, "UserName", str),
        field(block, "OrgDefinedId", str, None),
        field(block, "FirstName", str),
        field(block, "LastName", str),
        field(block, "RoleId", int),
        middle_name=field(block, "MiddleName", str, None),
        email=field(block, "ExternalEmail", str, None),
        is_active=field(block, "IsActive", bool),
    )


def _enroll(call: Call, block: Any) -> Enrollment:
    return call.tenant.enroll(field(block, "UserId", int), field(block, "OrgUnitId", int), field(block, "RoleId", int))


def _enrollment(enrollment: Enrollment) -> Json:
    return {
        "OrgUnitId": enrollment.org_unit_id,
        "UserId": enrollment.user_id,
        "RoleId": enrollment.role.id,
        "IsCascading": enrollment.is_cascading,
    }


def _role(role: Role) -> Json:
    return {"Id": role.id, "Code": role.code, "Name": role.name}


def _batch(call: Call) -> list[Any]:
    if not isinstance(call.json, list):
        raise invalid("the body must be an array")
    rows: list[Any] = call.json  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    if len(rows) > BATCH_ROWS:
        raise invalid(f"a batch holds at most {BATCH_ROWS} rows")
    if not all(isinstance(row, dict) for row in rows):
        raise invalid("the rows must be JSON objects")
    return rows

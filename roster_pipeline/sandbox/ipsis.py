"""A stand-in for Brightspace's import of Standard CSV bundles (IPSIS), working on the sandbox's tenant.

One `Ipsis` is one source system of kind D2L Standard CSV, with its mapping tables. Behaviour as in D2L's articles on
the Standard CSV, validation mode, import errors and on how the import treats what was changed by hand.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from roster_pipeline.sandbox.brightspace.objects import (
    COURSE_OFFERING,
    COURSE_TEMPLATE,
    DEPARTMENT,
    SECTION,
    SEMESTER,
    OrgUnit,
    OrgUnitType,
    Role,
    SectionSettings,
    TenantError,
    User,
)
from roster_pipeline.sandbox.brightspace_tenant import Tenant
from roster_pipeline.sandbox.ipsis_files import ErrorClass, LogEntry, Row, parse_date, read_bundle

#: Enable applies a bundle, validate only checks it, disable leaves it alone.
Mode = Literal["enable", "validate", "disable"]

_TYPE_NAMES = {
    "department": DEPARTMENT,
    "semester": SEMESTER,
    "course template": COURSE_TEMPLATE,
    "course offering": COURSE_OFFERING,
    "course section": SECTION,
}
#: Sections come from the bundle; nobody is spread over them automatically.
_SECTION_SETTINGS = SectionSettings(1, 20, auto_enroll=False, randomize_enrollments=False, descriptions_visible=True)


@dataclass(frozen=True)
class AuditEntry:
    """One change that was made."""

    entity: Literal["org_unit", "user", "enrollment", "relationship"]
    action: Literal["create", "update", "delete"]
    key: str


@dataclass
class Batch:
    """What became of one bundle."""

    name: str
    mode: Mode
    audit: list[AuditEntry] = field(default_factory=list[AuditEntry])
    errors: list[LogEntry] = field(default_factory=list[LogEntry])
    warnings: list[LogEntry] = field(default_factory=list[LogEntry])

    def count(self, entity: str, action: str) -> int:
        return sum(entry.entity == entity and entry.action == action for entry in self.audit)


class _RowError(Exception):
    """The row cannot be applied."""

    def __init__(self, error: ErrorClass, detail: str = "") -> None:
        super().__init__(detail)
        self.error = error
        self.detail = detail


@dataclass
class Ipsis:
    """A source system. `role_names` maps roles of the bundle to roles of the tenant; by default each to its like."""

    tenant: Tenant
    source_system: str = "D2L Standard CSV"
    mode: Mode = "enable"
    role_names: Mapping[str, str] | None = None
    org_units: dict[str, int] = field(default_factory=dict[str, int])
    """The org unit mapping table: code -> org unit."""
    batches: list[Batch] = field(default_factory=list[Batch])

    def process_folder(self, folder: Path) -> list[Batch]:
        """Process the bundles in a folder that were not processed before, by name, as the SFTP site is polled."""
        done = {batch.name for batch in self.batches}
        return [self.process(path) for path in sorted(folder.glob("*.zip")) if path.name not in done]

    def process(self, path: Path) -> Batch:
        """Process one bundle."""
        batch = Batch(path.name, self.mode)
        self.batches.append(batch)
        if self.mode == "disable":
            return batch
        bundle = read_bundle(path)
        batch.errors.extend(bundle.errors)
        if self.mode == "enable":
            with self.tenant.lock:
                for row in bundle.rows:
                    try:
                        self._apply(row, batch)
                    except _RowError as error:
                        batch.errors.append(LogEntry(error.error, row.file, row.line, row.key, error.detail))
        return batch

    def _apply(self, row: Row, batch: Batch) -> None:
        if row.file == "Users":
            (self._delete_user if row.action == "DELETE" else self._save_user)(row, batch)
        elif row.file == "Enrollments":
            (self._unenroll if row.action == "DELETE" else self._enroll)(row, batch)
        else:
            (self._delete_org_unit if row.action == "DELETE" else self._save_org_unit)(row, batch)

    # Org units

    def _save_org_unit(self, row: Row, batch: Batch) -> None:
        type_ = self._type(row)
        parents = [self._parent(code) for code in row.parent_codes] or [self.tenant.tree.root_id]
        unit = self._mapped_org_unit(row["code"])
        if unit is not None and unit.type != type_:
            raise _RowError(ErrorClass.ORG_UNIT_NOT_SAVED, "the type of an org unit cannot change")
        try:
            if unit is None:
                unit = self._create_org_unit(row, type_, parents)
                batch.audit.append(AuditEntry("org_unit", "create", row["code"]))
            else:
                self.tenant.tree.rename(unit.id, row["name"], row["code"])
                self._move(unit, parents)
                batch.audit.append(AuditEntry("org_unit", "update", row["code"]))
        except TenantError as error:
            raise _RowError(ErrorClass.ORG_UNIT_NOT_SAVED, error.detail) from None
        if row.file in {"Semesters", "Offerings"}:
            unit.start_date, unit.end_date = parse_date(row["start_date"]), parse_date(row["end_date"])
        if row.file == "Offerings" and row["is_active"]:
            unit.is_active = _is_true(row["is_active"])

    def _create_org_unit(self, row: Row, type_: OrgUnitType, parents: list[int]) -> OrgUnit:
        if type_.name == SECTION:
            offering = self.tenant.tree.of_type(parents[0], COURSE_OFFERING)
            offering.section_settings = offering.section_settings or _SECTION_SETTINGS
            unit = self.tenant.create_section(offering.id, row["name"], row["code"])
        else:
            unit = self.tenant.tree.create(type_.id, row["name"], row["code"], parents)
        self.org_units[row["code"]] = unit.id
        return unit

    def _move(self, unit: OrgUnit, parents: list[int]) -> None:
        """Hang a unit below other units; parents that this source system does not manage stay."""
        for parent in parents:
            self.tenant.tree.add_parent(unit.id, parent)
        others = [parent for parent in unit.parents if parent not in parents]
        managed = {*self.org_units.values(), self.tenant.tree.root_id} if others else set[int]()
        for parent in others:
            if parent in managed:
                self.tenant.tree.remove_parent(unit.id, parent)

    def _delete_org_unit(self, row: Row, batch: Batch) -> None:
        code = row["code"]
        unit = self._mapped_org_unit(code)
        if unit is not None:
            self.tenant.tree.recycle(unit.id)
            del self.org_units[code]
            batch.audit.append(AuditEntry("org_unit", "delete", code))
        elif self.tenant.tree.with_code(code):
            raise _RowError(ErrorClass.NO_ORG_UNIT_MAPPING)
        else:
            batch.warnings.append(LogEntry(ErrorClass.NO_ORG_UNIT_MAPPING, row.file, row.line, code))

    def _type(self, row: Row) -> OrgUnitType:
        name = _TYPE_NAMES.get(row["type"])
        if name is not None:
            return self.tenant.tree.type_named(name)
        for type_ in self.tenant.tree.types.values():
            if type_.is_custom and row["type"] in {type_.code, type_.name}:
                return type_
        raise _RowError(ErrorClass.NO_TYPE_MAPPING)

    def _parent(self, code: str) -> int:
        unit = self._mapped_org_unit(code)
        if unit is None:
            raise _RowError(ErrorClass.NO_PARENT_MAPPING, code)
        return unit.id

    def _mapped_org_unit(self, code: str) -> OrgUnit | None:
        """The unit behind a code; the mapping of a unit that was deleted by hand goes away here."""
        id_ = self.org_units.get(code)
        unit = self.tenant.tree.org_units.get(id_) if id_ is not None else None
        if id_ is not None and (unit is None or unit.recycled):
            del self.org_units[code]
            return None
        return unit

    # Users

    def _save_user(self, row: Row, batch: Batch) -> None:
        role = self._role(row["role_name"])
        sourced_id = row["org_defined_id"]
        mapped = self.tenant.imported_users.get((self.source_system, sourced_id))
        if mapped is None:
            user = self._create_user(row, role)
            batch.audit.append(AuditEntry("user", "create", sourced_id))
        else:
            user = self._user(sourced_id)
            try:
                self.tenant.directory.change(
                    user.id,
                    username=row["username"],
                    org_defined_id=sourced_id,
                    first_name=row["first_name"],
                    last_name=row["last_name"],
                    middle_name=user.middle_name,
                    email=row["email"] or None,
                    is_active=_is_true(row["is_active"]),
                )
                self.tenant.enroll(user.id, self.tenant.tree.root_id, role.id)
            except TenantError as error:
                raise _RowError(ErrorClass.USER_NOT_SAVED, error.detail) from None
            batch.audit.append(AuditEntry("user", "update", sourced_id))
        self._relate(user, row["relationships"], batch)

    def _create_user(self, row: Row, role: Role) -> User:
        same_name = self.tenant.directory.named(row["username"])
        if same_name is not None:
            is_same = same_name.org_defined_id == row["org_defined_id"]
            if is_same and same_name.id in self.tenant.imported_users.values():
                raise _RowError(ErrorClass.USER_CLAIMED)
            raise _RowError(ErrorClass.USER_NOT_CREATED, "the username is another account's")
        try:
            user = self.tenant.create_user(
                row["username"],
                row["org_defined_id"],
                row["first_name"],
                row["last_name"],
                role.id,
                email=row["email"] or None,
                is_active=_is_true(row["is_active"]),
            )
        except TenantError as error:
            raise _RowError(ErrorClass.USER_NOT_CREATED, error.detail) from None
        self.tenant.imported_users[self.source_system, row["org_defined_id"]] = user.id
        return user

    def _relate(self, user: User, relationships: str, batch: Batch) -> None:
        """Every line of a user replaces the whole set of those who watch over the user."""
        named = {self._user(item.partition(":")[2]).id for item in relationships.split("|") if item}
        others = [auditor for auditor in self.tenant.auditors(user.id) if auditor not in named]
        for auditor in others:
            watcher = self.tenant.directory.users[auditor].org_defined_id or ""
            if self.tenant.imported_users.get((self.source_system, watcher)) == auditor:
                self.tenant.remove_auditee(auditor, user.id)
                batch.audit.append(AuditEntry("relationship", "delete", str(user.org_defined_id)))
        for auditor in sorted(named - set(self.tenant.auditors(user.id))):
            self.tenant.add_auditee(auditor, user.id)
            batch.audit.append(AuditEntry("relationship", "create", str(user.org_defined_id)))

    def _delete_user(self, row: Row, batch: Batch) -> None:
        user = self._user(row["org_defined_id"])
        self.tenant.delete_user(user.id)
        del self.tenant.imported_users[self.source_system, row["org_defined_id"]]
        batch.audit.append(AuditEntry("user", "delete", row["org_defined_id"]))

    def _user(self, sourced_id: str) -> User:
        id_ = self.tenant.imported_users.get((self.source_system, sourced_id))
        if id_ is None:
            raise _RowError(ErrorClass.NO_USER_MAPPING)
        if id_ not in self.tenant.directory.users:
            raise _RowError(ErrorClass.USER_GONE)
        return self.tenant.directory.users[id_]

    def _role(self, name: str) -> Role:
        if self.role_names is not None:
            name = self.role_names.get(name, "")
        try:
            return self.tenant.role_named(name)
        except KeyError:
            raise _RowError(ErrorClass.NO_ROLE_MAPPING) from None

    # Enrollments

    def _enroll(self, row: Row, batch: Batch) -> None:
        user, unit, role = self._user(row["child_code"]), self._enrollment_unit(row), self._role(row["role_name"])
        before = {each.org_unit_id: each.role for each in self.tenant.enrollments_of(user.id)}
        if before.get(unit.id) == role:
            return
        try:
            if unit.type.name == SECTION:
                self.tenant.enroll(user.id, unit.parents[0], role.id)
            self.tenant.enroll(user.id, unit.id, role.id)
        except TenantError as error:
            raise _RowError(ErrorClass.ORG_UNIT_NOT_SAVED, error.detail) from None
        batch.audit.append(AuditEntry("enrollment", "update" if unit.id in before else "create", row.key))

    def _unenroll(self, row: Row, batch: Batch) -> None:
        """Leaving the last section of an offering is leaving the offering, unless the role sees all sections."""
        user, unit = self._user(row["child_code"]), self._enrollment_unit(row)
        if unit.id not in {each.org_unit_id for each in self.tenant.enrollments_of(user.id)}:
            batch.warnings.append(LogEntry(ErrorClass.ORG_UNIT_GONE, row.file, row.line, row.key, "not enrolled"))
            return
        gone = self.tenant.unenroll(user.id, unit.id)
        if unit.type.name == SECTION and not gone.role.accesses_all_sections:
            offering = unit.parents[0]
            if not self.tenant.sections_of(user.id, offering):
                self.tenant.unenroll(user.id, offering)
        batch.audit.append(AuditEntry("enrollment", "delete", row.key))

    def _enrollment_unit(self, row: Row) -> OrgUnit:
        code = row["parent_code"]
        if code not in self.org_units:
            raise _RowError(ErrorClass.NO_ORG_UNIT_MAPPING)
        unit = self.tenant.tree.org_units.get(self.org_units[code])
        if unit is None or unit.recycled:
            raise _RowError(ErrorClass.ORG_UNIT_GONE)
        return unit


def _is_true(text: str) -> bool:
    return text.upper() in {"1", "TRUE"}

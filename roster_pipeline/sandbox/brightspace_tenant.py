"""A simulated Brightspace tenant: org units, users and enrollments, with the rules that the platform enforces.

Rules are from D2L's API reference (courses, org units, users, enrollments, sections) unless a comment says otherwise.
Whoever changes the tenant - the web service, the Standard CSV import, a test - holds `lock`.
"""

import itertools
import random
import re
import secrets
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

from roster_pipeline.brightspace import limits
from roster_pipeline.brightspace.limits import TextLimit
from roster_pipeline.sandbox.brightspace.gradebook import Gradebook
from roster_pipeline.sandbox.brightspace.objects import (
    BUILT_IN,
    COURSE_OFFERING,
    COURSE_TEMPLATE,
    CUSTOM_TYPES,
    DEFAULT_ROLES,
    DEPARTMENT,
    ORGANIZATION,
    SECTION,
    SEMESTER,
    CopyJob,
    Creation,
    Enrollment,
    OrgUnit,
    OrgUnitType,
    Role,
    RoleSettings,
    SectionSettings,
    User,
    forbidden,
    invalid,
    missing,
)

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


class Tenant:
    """One tenant. Ids of roles and of types that are not built in differ from seed to seed, as between tenants."""

    def __init__(
        self,
        seed: int = 0,
        roles: Iterable[RoleSettings] = DEFAULT_ROLES,
        custom_types: Iterable[str] = CUSTOM_TYPES,
        clock: Clock = utc_now,
    ) -> None:
        chance = random.Random(seed)
        self.lock = threading.RLock()
        self.clock = clock
        self._ids = itertools.count(chance.randrange(6_600, 9_900))
        self._type_ids = itertools.count(chance.randrange(101, 200))
        self.types: dict[int, OrgUnitType] = {}
        for name in (ORGANIZATION, COURSE_TEMPLATE, COURSE_OFFERING, SEMESTER, DEPARTMENT, SECTION):
            self._add_type(name, BUILT_IN.get(name))
        for name in custom_types:
            self.add_type(name)
        role_ids = chance.sample(range(100, 600), 50)
        self.roles = {
            id_: Role(id_, role.name, role.name.lower(), role.is_cascading, role.shows_in_grades,
                      role.accesses_all_sections, role.forbidden_types)
            for id_, role in zip(role_ids, roles, strict=False)
        }  # fmt: skip
        self.org_units: dict[int, OrgUnit] = {}
        self.users: dict[int, User] = {}
        self.creations: list[Creation] = []
        self.copy_jobs: dict[str, CopyJob] = {}
        self.gradebooks: dict[int, Gradebook] = {}
        self.ipsis_users: dict[tuple[str, str], int] = {}
        """Standard CSV imports of every source system: (source system, org-defined id) -> user."""
        self._children: defaultdict[int, set[int]] = defaultdict(set)
        self._units_by_code: defaultdict[str, set[int]] = defaultdict(set)
        self._users_by_name: dict[str, int] = {}
        self._users_by_org_defined_id: defaultdict[str, set[int]] = defaultdict(set)
        self._enrollments: defaultdict[int, dict[int, Enrollment]] = defaultdict(dict)
        """By org unit, then user."""
        self._units_of_user: defaultdict[int, set[int]] = defaultdict(set)
        self._auditees: defaultdict[int, set[int]] = defaultdict(set)
        root = OrgUnit(next(self._ids), self.type_named(ORGANIZATION), "Sandbox Organization", "", [], self.clock())
        self.org_units[root.id] = root
        self.root_id = root.id

    # Types and roles

    def add_type(self, name: str, code: str | None = None) -> OrgUnitType:
        """Configure a custom org unit type, as an administrator does; its code is the name in small letters."""
        return self._add_type(name, None, code, is_custom=True)

    def type_named(self, name: str) -> OrgUnitType:
        """Raises KeyError."""
        return {type_.name: type_ for type_ in self.types.values()}[name]

    def role_named(self, name: str) -> Role:
        """Raises KeyError."""
        return {role.name: role for role in self.roles.values()}[name]

    def _add_type(self, name: str, id_: int | None, code: str | None = None, *, is_custom: bool = False) -> OrgUnitType:
        type_ = OrgUnitType(id_ or next(self._type_ids), code or name.lower(), name, is_custom)
        self.types[type_.id] = type_
        return type_

    # Org units

    def org_unit(self, id_: int) -> OrgUnit:
        """A unit that is not in the recycle bin. Raises TenantError (404)."""
        unit = self.org_units.get(id_)
        if unit is None or unit.recycled:
            raise missing(f"there is no org unit {id_}")
        return unit

    def org_unit_of_type(self, id_: int, type_name: str) -> OrgUnit:
        """Raises TenantError (404) also where the unit is of another type."""
        unit = self.org_unit(id_)
        if unit.type.name != type_name:
            raise missing(f"org unit {id_} is no {type_name}")
        return unit

    def org_units_with_code(self, code: str) -> list[OrgUnit]:
        """Units out of the recycle bin, oldest first: the platform does not keep codes unique."""
        found = (self.org_units[id_] for id_ in sorted(self._units_by_code.get(code, ())))
        return [unit for unit in found if not unit.recycled]

    def visible_org_units(self) -> Iterator[OrgUnit]:
        return (unit for _, unit in sorted(self.org_units.items()) if not unit.recycled)

    def parents(self, id_: int) -> list[OrgUnit]:
        return [self.org_units[parent] for parent in self.org_unit(id_).parents if not self.org_units[parent].recycled]

    def children(self, id_: int) -> list[OrgUnit]:
        found = (self.org_units[child] for child in sorted(self._children.get(id_, ())))
        return [unit for unit in found if not unit.recycled]

    def ancestors(self, id_: int) -> set[int]:
        return set(self._reach(id_, lambda unit: self.org_units[unit].parents))

    def descendants(self, id_: int) -> set[int]:
        return set(self._reach(id_, lambda unit: self._children.get(unit, ())))

    def create_org_unit(
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
        unit = OrgUnit(next(self._ids), type_, name, code, [], self.clock(), description=description)
        unit.path = f"/content/enforced/{unit.id}/"
        unit.start_date, unit.end_date = start_date, end_date
        self.org_units[unit.id] = unit
        self._units_by_code[code].add(unit.id)
        self.creations.append(Creation("org_unit", (type_.name, code, unit.id)))
        for parent in above:
            self._link(parent, unit.id)
        return unit

    def create_template(self, name: str, code: str, parents: Iterable[int]) -> OrgUnit:
        return self.create_org_unit(self.type_named(COURSE_TEMPLATE).id, name, code, parents)

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
        return self.create_org_unit(
            self.type_named(COURSE_OFFERING).id,
            name,
            code,
            above,
            start_date=start_date,
            end_date=end_date,
            description=description,
        )

    def create_section(self, offering_id: int, name: str, code: str, description: str = "") -> OrgUnit:
        """Raises TenantError: 404 without such an offering, 400 while the offering has no section settings."""
        offering = self.org_unit_of_type(offering_id, COURSE_OFFERING)
        if offering.section_settings is None:
            raise invalid(f"offering {offering_id} has no section settings yet")
        section = self.create_org_unit(self.type_named(SECTION).id, name, code, [offering_id], description=description)
        if offering.section_settings.auto_enroll:
            for enrollment in self.enrollments_in(offering_id):
                if not self._section_of(enrollment.user_id, offering_id):
                    self.enroll(enrollment.user_id, section.id, enrollment.role.id)
        return section

    def set_section_settings(self, offering_id: int, settings: SectionSettings) -> None:
        self.org_unit_of_type(offering_id, COURSE_OFFERING).section_settings = settings

    def rename(self, id_: int, name: str, code: str) -> OrgUnit:
        """Change name and code. Raises TenantError (400, 404)."""
        unit = self.org_unit(id_)
        self._check_name_and_code(name, code)
        self._units_by_code[unit.code].discard(id_)
        self._units_by_code[code].add(id_)
        unit.name, unit.code = name, code
        return unit

    def add_parent(self, id_: int, parent_id: int) -> None:
        """Raises TenantError: 404, or 400 where the unit would hang below itself."""
        self.org_unit(id_)
        self._check_parent(parent_id)
        if parent_id == id_ or parent_id in self.descendants(id_):
            raise invalid(f"org unit {id_} cannot hang below itself")
        if parent_id not in self.org_units[id_].parents:
            self._link(parent_id, id_)

    def remove_parent(self, id_: int, parent_id: int) -> None:
        """Raises TenantError: 404, or 400 where an offering would lose its template."""
        unit = self.org_unit(id_)
        if parent_id not in unit.parents:
            raise missing(f"org unit {parent_id} is no parent of {id_}")
        templates = [parent for parent in self.parents(id_) if parent.type.name == COURSE_TEMPLATE]
        if unit.type.name == COURSE_OFFERING and [parent.id for parent in templates] == [parent_id]:
            raise invalid(f"offering {id_} needs a template")
        unit.parents.remove(parent_id)
        self._children[parent_id].discard(id_)
        self._drop_lost_cascades([id_, *self.descendants(id_)])

    def recycle(self, id_: int) -> None:
        """Into the recycle bin, with everything in it. Raises TenantError (400, 404)."""
        if id_ == self.root_id:
            raise invalid("the organization cannot be deleted")
        self.org_unit(id_).recycled = self.clock()

    def restore(self, id_: int) -> None:
        self._in_recycle_bin(id_).recycled = None

    def delete_for_good(self, id_: int) -> None:
        """Out of the recycle bin and gone. Raises TenantError (404)."""
        unit = self._in_recycle_bin(id_)
        for parent in unit.parents:
            self._children[parent].discard(id_)
        for child in self._children.pop(id_, set()):
            self.org_units[child].parents.remove(id_)
        for user_id in self._enrollments.pop(id_, {}):
            self._units_of_user[user_id].discard(id_)
        self._units_by_code[unit.code].discard(id_)
        self.gradebooks.pop(id_, None)
        del self.org_units[id_]

    def _in_recycle_bin(self, id_: int) -> OrgUnit:
        unit = self.org_units.get(id_)
        if unit is None or not unit.recycled:
            raise missing(f"org unit {id_} is not in the recycle bin")
        return unit

    def _link(self, parent_id: int, id_: int) -> None:
        self.org_units[id_].parents.append(parent_id)
        self._children[parent_id].add(id_)
        for ancestor in [parent_id, *self.ancestors(parent_id)]:
            for enrollment in list(self._enrollments.get(ancestor, {}).values()):
                if enrollment.role.is_cascading and not enrollment.is_cascading:
                    self._cascade(enrollment, [id_, *self.descendants(id_)])

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

    # Users

    def user(self, id_: int) -> User:
        """Raises TenantError (404)."""
        if id_ not in self.users:
            raise missing(f"there is no user {id_}")
        return self.users[id_]

    def user_named(self, username: str) -> User | None:
        """Usernames know no capital letters."""
        id_ = self._users_by_name.get(username.lower())
        return None if id_ is None else self.users[id_]

    def users_with_org_defined_id(self, org_defined_id: str) -> list[User]:
        """The platform does not keep org-defined ids unique."""
        return [self.users[id_] for id_ in sorted(self._users_by_org_defined_id.get(org_defined_id, ()))]

    def create_user(
        self,
        username: str,
        org_defined_id: str | None,
        first_name: str,
        last_name: str,
        role_id: int,
        *,
        middle_name: str | None = None,
        email: str | None = None,
        is_active: bool = True,
    ) -> User:
        """A new account, enrolled in the organization in the given role. Raises TenantError (400)."""
        if role_id not in self.roles:
            raise invalid(f"there is no role {role_id}")
        self._check_user(None, username, org_defined_id, first_name, last_name, email)
        user = User(
            next(self._ids),
            username,
            org_defined_id,
            first_name,
            last_name,
            middle_name,
            email,
            is_active,
            self.clock(),
        )
        self.users[user.id] = user
        self._index_user(user)
        self.creations.append(Creation("user", (org_defined_id or "", user.id)))
        self.enroll(user.id, self.root_id, role_id)
        return user

    def change_user(
        self,
        id_: int,
        *,
        username: str,
        org_defined_id: str | None,
        first_name: str,
        last_name: str,
        middle_name: str | None,
        email: str | None,
        is_active: bool,
    ) -> User:
        """Replace everything but the role. Raises TenantError (400, 404)."""
        user = self.user(id_)
        self._check_user(id_, username, org_defined_id, first_name, last_name, email)
        self._forget_user(user)
        user.username, user.org_defined_id = username, org_defined_id
        user.first_name, user.last_name, user.middle_name = first_name, last_name, middle_name
        user.email, user.is_active = email, is_active
        self._index_user(user)
        return user

    def delete_user(self, id_: int) -> None:
        user = self.user(id_)
        for org_unit_id in self._units_of_user.pop(id_, set()):
            del self._enrollments[org_unit_id][id_]
        self._auditees.pop(id_, None)
        for auditees in self._auditees.values():
            auditees.discard(id_)
        self._forget_user(user)
        del self.users[id_]

    def _index_user(self, user: User) -> None:
        self._users_by_name[user.username.lower()] = user.id
        if user.org_defined_id:
            self._users_by_org_defined_id[user.org_defined_id].add(user.id)

    def _forget_user(self, user: User) -> None:
        del self._users_by_name[user.username.lower()]
        if user.org_defined_id:
            self._users_by_org_defined_id[user.org_defined_id].discard(user.id)

    def _check_user(
        self,
        id_: int | None,
        username: str,
        org_defined_id: str | None,
        first_name: str,
        last_name: str,
        email: str | None,
    ) -> None:
        check_text("UserName", username, TextLimit(limits.USERNAME_LENGTH, forbidden=""))
        check_text("FirstName", first_name, TextLimit(limits.PERSON_NAME_LENGTH, forbidden=""))
        check_text("LastName", last_name, TextLimit(limits.PERSON_NAME_LENGTH, forbidden=""))
        if org_defined_id:
            check_text("OrgDefinedId", org_defined_id, TextLimit(limits.ORG_DEFINED_ID_LENGTH, forbidden=""))
        if email:
            check_text("ExternalEmail", email, TextLimit(limits.EMAIL_LENGTH, forbidden=""))
        if self._users_by_name.get(username.lower(), id_) != id_:
            raise invalid("UserName is in use")

    # Enrollments

    def enrollment(self, user_id: int, org_unit_id: int) -> Enrollment:
        """Raises TenantError (404)."""
        found = self._enrollments.get(org_unit_id, {}).get(user_id)
        if found is None or self.org_units[org_unit_id].recycled:
            raise missing(f"user {user_id} is not enrolled in org unit {org_unit_id}")
        return found

    def enrollments_in(self, org_unit_id: int) -> list[Enrollment]:
        """By user id. Raises TenantError (404)."""
        self.org_unit(org_unit_id)
        return [enrollment for _, enrollment in sorted(self._enrollments.get(org_unit_id, {}).items())]

    def enrollments_of(self, user_id: int) -> list[Enrollment]:
        """By org unit id, without units in the recycle bin. Raises TenantError (404)."""
        self.user(user_id)
        units = (unit for unit in sorted(self._units_of_user.get(user_id, ())) if not self.org_units[unit].recycled)
        return [self._enrollments[unit][user_id] for unit in units]

    def enroll(self, user_id: int, org_unit_id: int, role_id: int) -> Enrollment:
        """Enroll, or change the role of who is enrolled already.

        Raises TenantError: 404 unknown user or unit, 400 unknown role or a section without its offering, 403 a role
        that the type of unit does not allow.
        """
        self.user(user_id)
        unit = self.org_unit(org_unit_id)
        role = self.roles.get(role_id)
        if role is None:
            raise invalid(f"there is no role {role_id}")
        if unit.type.name in role.forbidden_types:
            raise forbidden(f"role {role_id} cannot be given in a {unit.type.name}")
        if unit.type.name == SECTION and user_id not in self._enrollments.get(unit.parents[0], {}):
            raise invalid(f"user {user_id} is not enrolled in the offering of section {org_unit_id}")
        before = self._enrollments[org_unit_id].get(user_id)
        if before and before.role == role and not before.is_cascading:
            return before
        enrollment = Enrollment(user_id, org_unit_id, role, before.enrolled if before else self.clock())
        self._enrollments[org_unit_id][user_id] = enrollment
        self._units_of_user[user_id].add(org_unit_id)
        if before is None:
            self.creations.append(Creation("enrollment", (user_id, org_unit_id)))
        below = self.descendants(org_unit_id) if role.is_cascading or (before and before.role.is_cascading) else set()
        self._drop_lost_cascades(below)
        if role.is_cascading:
            self._cascade(enrollment, below)
        return enrollment

    def unenroll(self, user_id: int, org_unit_id: int) -> Enrollment:
        """Take out of a unit, and of its sections where it is an offering. Raises TenantError (404)."""
        gone = self.enrollment(user_id, org_unit_id)
        self._drop(gone)
        if self.org_units[org_unit_id].type.name == COURSE_OFFERING:
            for section in self._children.get(org_unit_id, set()):
                if enrollment := self._enrollments.get(section, {}).get(user_id):
                    self._drop(enrollment)
        if gone.role.is_cascading:
            self._drop_lost_cascades(self.descendants(org_unit_id))
        return gone

    def sections_of(self, user_id: int, offering_id: int) -> list[int]:
        """Sections of an offering that a user is in."""
        return [unit.id for unit in self.children(offering_id) if user_id in self._enrollments.get(unit.id, {})]

    def _section_of(self, user_id: int, offering_id: int) -> bool:
        return bool(self.sections_of(user_id, offering_id))

    def _cascade(self, source: Enrollment, org_unit_ids: Iterable[int]) -> None:
        for id_ in org_unit_ids:
            if source.user_id not in self._enrollments[id_]:
                self._enrollments[id_][source.user_id] = replace(source, org_unit_id=id_, is_cascading=True)
                self._units_of_user[source.user_id].add(id_)

    def _drop_lost_cascades(self, org_unit_ids: Iterable[int]) -> None:
        for id_ in org_unit_ids:
            for enrollment in [each for each in self._enrollments.get(id_, {}).values() if each.is_cascading]:
                above = (self._enrollments.get(unit, {}).get(enrollment.user_id) for unit in self.ancestors(id_))
                if not any(each and each.role == enrollment.role and not each.is_cascading for each in above):
                    self._drop(enrollment)

    def _drop(self, enrollment: Enrollment) -> None:
        del self._enrollments[enrollment.org_unit_id][enrollment.user_id]
        self._units_of_user[enrollment.user_id].discard(enrollment.org_unit_id)

    # Auditors, course copies, gradebooks

    def auditees(self, auditor_id: int) -> list[int]:
        """Whom an auditor, a parent for instance, may watch. Raises TenantError (404)."""
        self.user(auditor_id)
        return sorted(self._auditees.get(auditor_id, ()))

    def auditors(self, auditee_id: int) -> list[int]:
        self.user(auditee_id)
        return sorted(auditor for auditor, auditees in self._auditees.items() if auditee_id in auditees)

    def add_auditee(self, auditor_id: int, auditee_id: int) -> None:
        self.user(auditor_id)
        self.user(auditee_id)
        if auditee_id not in self._auditees[auditor_id]:
            self._auditees[auditor_id].add(auditee_id)
            self.creations.append(Creation("relationship", (auditor_id, auditee_id)))

    def remove_auditee(self, auditor_id: int, auditee_id: int) -> None:
        if auditee_id not in self.auditees(auditor_id):
            raise missing(f"user {auditor_id} does not audit user {auditee_id}")
        self._auditees[auditor_id].discard(auditee_id)

    def start_copy(self, target_id: int, source_id: int, components: Iterable[str], polls: int = 1) -> CopyJob:
        """Queue a course copy that is done once it was asked about `polls` times. Raises TenantError (400, 404)."""
        self.org_unit(target_id)
        if source_id not in self.org_units or self.org_units[source_id].recycled:
            raise invalid(f"there is no org unit {source_id} to copy from")
        job = CopyJob(secrets.token_hex(8), source_id, target_id, tuple(components), polls)
        self.copy_jobs[job.token] = job
        self.creations.append(Creation("copy_job", (source_id, target_id)))
        return job

    def poll_copy(self, token: str) -> tuple[CopyJob, bool]:
        """A job, and whether it is done by now. Raises TenantError (404)."""
        job = self.copy_jobs.get(token)
        if job is None:
            raise missing("there is no such copy job")
        if job.polls_left == 1:
            self.org_units[job.target_id].content.extend(self.org_units[job.source_id].content)
        job.polls_left = max(0, job.polls_left - 1)
        return job, job.polls_left == 0

    def gradebook(self, offering_id: int) -> Gradebook:
        """Raises TenantError (404)."""
        self.org_unit_of_type(offering_id, COURSE_OFFERING)
        if offering_id not in self.gradebooks:
            self.gradebooks[offering_id] = Gradebook(offering_id, self._ids, self.clock)
        return self.gradebooks[offering_id]


def check_text(field: str, value: str, limit: TextLimit) -> None:
    """Raises TenantError (400) when a text is empty, too long, or holds what it must not."""
    if not value.strip():
        raise invalid(f"{field} must not be empty")
    if len(value) > limit.length:
        raise invalid(f"{field} has more than {limit.length} characters")
    if re.search(limit.forbidden_pattern, value):
        raise invalid(f"{field} holds a forbidden character")

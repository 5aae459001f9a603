"""A simulated Brightspace tenant: org units, users and enrollments, with the rules that the platform enforces.

Rules are from D2L's API reference (courses, org units, users, enrollments, sections) unless a comment says otherwise.
Whoever reads or changes the tenant - the web service, the Standard CSV import, a test - holds `lock`.
"""

import itertools
import random
import secrets
import threading
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from roster_pipeline.sandbox.brightspace.directory import Directory
from roster_pipeline.sandbox.brightspace.gradebook import Gradebook
from roster_pipeline.sandbox.brightspace.objects import (
    COURSE_OFFERING,
    CUSTOM_TYPES,
    DEFAULT_ROLES,
    SECTION,
    Clock,
    CopyJob,
    Creation,
    Enrollment,
    OrgUnit,
    Role,
    RoleSettings,
    User,
    forbidden,
    invalid,
    missing,
    utc_now,
)
from roster_pipeline.sandbox.brightspace.org_tree import OrgTree


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
        self.creations: list[Creation] = []
        """Everything that ever came into being, in order: to prove that nothing was made twice."""
        ids = itertools.count(chance.randrange(6_600, 9_900))
        self._new_id = lambda: next(ids)
        self._enrollments: defaultdict[int, dict[int, Enrollment]] = defaultdict(dict)
        """By org unit, then user."""
        self._units_of_user: defaultdict[int, set[int]] = defaultdict(set)
        self._auditees: defaultdict[int, set[int]] = defaultdict(set)
        self._auditors: defaultdict[int, set[int]] = defaultdict(set)
        self.tree = OrgTree(
            self._new_id,
            chance.randrange(101, 200),
            custom_types,
            clock,
            self.creations,
            linked=self._cascade_into,
            unlinked=self._drop_lost_cascades,
        )
        self.directory = Directory(self._new_id, clock, self.creations)
        self.roles = {id_: role.with_id(id_) for id_, role in zip(chance.sample(range(100, 600), 50), roles)}  # noqa: B905
        self.copy_jobs: dict[str, CopyJob] = {}
        self.gradebooks: dict[int, Gradebook] = {}
        self.imported_users: dict[tuple[str, str], int] = {}
        """Users of all Standard CSV imports: (source system, org-defined id) -> user."""

    def role_named(self, name: str) -> Role:
        """Raises KeyError."""
        return {role.name: role for role in self.roles.values()}[name]

    # Where org units and users meet enrollments

    def create_section(self, offering_id: int, name: str, code: str, description: str = "") -> OrgUnit:
        """Raises TenantError: 404 without such an offering, 400 while the offering has no section settings."""
        offering = self.tree.of_type(offering_id, COURSE_OFFERING)
        if offering.section_settings is None:
            raise invalid(f"offering {offering_id} has no section settings yet")
        section = self.tree.create(self.tree.type_named(SECTION).id, name, code, [offering_id], description=description)
        if offering.section_settings.auto_enroll:
            for enrollment in self.enrollments_in(offering_id):
                if not self.sections_of(enrollment.user_id, offering_id):
                    self.enroll(enrollment.user_id, section.id, enrollment.role.id)
        return section

    def delete_org_unit_for_good(self, id_: int) -> None:
        """Out of the recycle bin and gone. Raises TenantError (404)."""
        self.tree.in_recycle_bin(id_)
        for user_id in self._enrollments.pop(id_, {}):
            self._units_of_user[user_id].discard(id_)
        self.gradebooks.pop(id_, None)
        self.tree.forget(id_)

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
        user = self.directory.create(
            username,
            org_defined_id,
            first_name,
            last_name,
            middle_name=middle_name,
            email=email,
            is_active=is_active,
        )
        self.enroll(user.id, self.tree.root_id, role_id)
        return user

    def delete_user(self, id_: int) -> None:
        """Raises TenantError (404)."""
        self.directory.delete(id_)
        for org_unit_id in self._units_of_user.pop(id_, set()):
            del self._enrollments[org_unit_id][id_]
        for auditee in self._auditees.pop(id_, set()):
            self._auditors[auditee].discard(id_)
        for auditor in self._auditors.pop(id_, set()):
            self._auditees[auditor].discard(id_)

    # Enrollments

    def enrollment(self, user_id: int, org_unit_id: int) -> Enrollment:
        """Raises TenantError (404)."""
        found = self._enrollments.get(org_unit_id, {}).get(user_id)
        if found is None or self.tree.org_units[org_unit_id].recycled:
            raise missing(f"user {user_id} is not enrolled in org unit {org_unit_id}")
        return found

    def enrollments_in(self, org_unit_id: int) -> list[Enrollment]:
        """By user id. Raises TenantError (404)."""
        self.tree.get(org_unit_id)
        return [enrollment for _, enrollment in sorted(self._enrollments.get(org_unit_id, {}).items())]

    def enrollments_of(self, user_id: int) -> list[Enrollment]:
        """By org unit id, without units in the recycle bin. Raises TenantError (404)."""
        self.directory.get(user_id)
        units = (
            unit for unit in sorted(self._units_of_user.get(user_id, ())) if not self.tree.org_units[unit].recycled
        )
        return [self._enrollments[unit][user_id] for unit in units]

    def enroll(self, user_id: int, org_unit_id: int, role_id: int) -> Enrollment:
        """Enroll, or change the role of who is enrolled already.

        Raises TenantError: 404 unknown user or unit, 400 unknown role or a section without its offering, 403 a role
        that the type of unit does not allow.
        """
        self.directory.get(user_id)
        unit = self.tree.get(org_unit_id)
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
        below: set[int] = set()
        if role.is_cascading or (before and before.role.is_cascading):
            below = self.tree.descendants(org_unit_id)
        self._drop_cascades(below)
        if role.is_cascading:
            self._cascade(enrollment, below)
        return enrollment

    def unenroll(self, user_id: int, org_unit_id: int) -> Enrollment:
        """Take out of a unit, and of its sections where it is an offering. Raises TenantError (404)."""
        gone = self.enrollment(user_id, org_unit_id)
        self._drop(gone)
        if self.tree.org_units[org_unit_id].type.name == COURSE_OFFERING:
            for section in self.tree.children(org_unit_id):
                if enrollment := self._enrollments.get(section.id, {}).get(user_id):
                    self._drop(enrollment)
        if gone.role.is_cascading:
            self._drop_cascades(self.tree.descendants(org_unit_id))
        return gone

    def sections_of(self, user_id: int, offering_id: int) -> list[int]:
        """Sections of an offering that a user is in."""
        return [unit.id for unit in self.tree.children(offering_id) if user_id in self._enrollments.get(unit.id, {})]

    def _cascade(self, source: Enrollment, org_unit_ids: Iterable[int]) -> None:
        for id_ in org_unit_ids:
            if source.user_id not in self._enrollments[id_]:
                self._enrollments[id_][source.user_id] = replace(source, org_unit_id=id_, is_cascading=True)
                self._units_of_user[source.user_id].add(id_)

    def _drop_cascades(self, org_unit_ids: Iterable[int]) -> None:
        for id_ in org_unit_ids:
            for enrollment in [each for each in self._enrollments.get(id_, {}).values() if each.is_cascading]:
                above = (self._enrollments.get(unit, {}).get(enrollment.user_id) for unit in self.tree.ancestors(id_))
                if not any(each and each.role == enrollment.role and not each.is_cascading for each in above):
                    self._drop(enrollment)

    def _cascade_into(self, parent_id: int, id_: int) -> None:
        for ancestor in [parent_id, *self.tree.ancestors(parent_id)]:
            for enrollment in list(self._enrollments.get(ancestor, {}).values()):
                if enrollment.role.is_cascading and not enrollment.is_cascading:
                    self._cascade(enrollment, [id_, *self.tree.descendants(id_)])

    def _drop_lost_cascades(self, id_: int) -> None:
        self._drop_cascades([id_, *self.tree.descendants(id_)])

    def _drop(self, enrollment: Enrollment) -> None:
        del self._enrollments[enrollment.org_unit_id][enrollment.user_id]
        self._units_of_user[enrollment.user_id].discard(enrollment.org_unit_id)

    # Auditors, course copies, gradebooks

    def auditees(self, auditor_id: int) -> list[int]:
        """Whom an auditor, a parent for instance, may watch. Raises TenantError (404)."""
        self.directory.get(auditor_id)
        return sorted(self._auditees.get(auditor_id, ()))

    def auditors(self, auditee_id: int) -> list[int]:
        self.directory.get(auditee_id)
        return sorted(self._auditors.get(auditee_id, ()))

    def add_auditee(self, auditor_id: int, auditee_id: int) -> None:
        self.directory.get(auditor_id)
        self.directory.get(auditee_id)
        if auditee_id not in self._auditees[auditor_id]:
            self._auditees[auditor_id].add(auditee_id)
            self._auditors[auditee_id].add(auditor_id)
            self.creations.append(Creation("relationship", (auditor_id, auditee_id)))

    def remove_auditee(self, auditor_id: int, auditee_id: int) -> None:
        if auditee_id not in self.auditees(auditor_id):
            raise missing(f"user {auditor_id} does not audit user {auditee_id}")
        self._auditees[auditor_id].discard(auditee_id)
        self._auditors[auditee_id].discard(auditor_id)

    def start_copy(self, target_id: int, source_id: int, components: Iterable[str], polls: int = 1) -> CopyJob:
        """Queue a course copy that is done once it was asked about `polls` times. Raises TenantError (400, 404)."""
        self.tree.get(target_id)
        if source_id not in self.tree.org_units or self.tree.org_units[source_id].recycled:
            raise invalid(f"there is no org unit {source_id} to copy from")
        job = CopyJob(secrets.token_hex(8), source_id, target_id, tuple(components), polls)
        twins = sum((other.source_id, other.target_id) == (source_id, target_id) for other in self.copy_jobs.values())
        self.creations.append(Creation("copy_job", (source_id, target_id), twins))
        self.copy_jobs[job.token] = job
        return job

    def poll_copy(self, token: str) -> tuple[CopyJob, bool]:
        """A job, and whether it is done by now. Raises TenantError (404)."""
        job = self.copy_jobs.get(token)
        if job is None:
            raise missing("there is no such copy job")
        if job.polls_left == 1:
            self.tree.org_units[job.target_id].content.extend(self.tree.org_units[job.source_id].content)
        job.polls_left = max(0, job.polls_left - 1)
        return job, job.polls_left == 0

    def gradebook(self, offering_id: int) -> Gradebook:
        """Raises TenantError (404)."""
        self.tree.of_type(offering_id, COURSE_OFFERING)
        if offering_id not in self.gradebooks:
            self.gradebooks[offering_id] = Gradebook(offering_id, self._new_id, self.clock)
        return self.gradebooks[offering_id]

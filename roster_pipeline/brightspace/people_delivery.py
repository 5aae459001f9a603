"""Delivers users, enrollments and relationships over the API, so that doing it again ends in the same state."""

import threading
from collections.abc import Collection, Sequence
from dataclasses import replace

from roster_pipeline.brightspace.changes import (
    Confirmed,
    EnrollmentChange,
    LinkKey,
    RelationshipChange,
    UserChange,
    UserFields,
)
from roster_pipeline.brightspace.client import BrightspaceClient
from roster_pipeline.brightspace.errors import (
    AmbiguousError,
    BrightspaceError,
    NotAllowedError,
    NotFoundError,
    OutcomeUnknownError,
    RefusedError,
)
from roster_pipeline.brightspace.models import Enrollment, User
from roster_pipeline.brightspace.org_unit_delivery import NotDeliverableError, needed
from roster_pipeline.brightspace.parallel import KeyLocks


class PeopleDelivery:
    """For any number of threads. `managed_ids` are users that are some SIS user's already."""

    def __init__(self, client: BrightspaceClient, managed_ids: Collection[int], *, look_up_first: bool) -> None:
        self._client = client
        self._look_up_first = look_up_first
        self._managed = managed_ids
        self._taken: set[int] = set()
        self._lock = threading.Lock()
        self._twins = KeyLocks()

    def deliver_user(self, change: UserChange) -> Confirmed:
        """Apply one change of a user. Raises BrightspaceError."""
        id_ = change.brightspace_id
        if change.action == "create":
            id_ = self._create_user(change)
        elif change.action == "update":
            self._update_user(needed(id_), needed(change.before), needed(change.after))
        elif change.action in {"inactivate", "delete"}:
            # An account is never deleted: marks and work hang on it.
            self._client.people.set_active(needed(id_), is_active=False)
        return Confirmed(change.kind, change.sourced_id, id_, "delivered")

    def enroll(self, changes: Sequence[EnrollmentChange]) -> list[Confirmed]:
        """Add or change up to a batch of enrollments outside sections in one call. Raises BrightspaceError."""
        confirmed = [_delivered(change) for change in changes if change.action == "unmap"]
        wanted: list[tuple[Enrollment, EnrollmentChange]] = []
        for change in changes:
            if change.action != "unmap":
                try:
                    wanted.append((self._enrollment(change), change))
                except BrightspaceError as error:
                    confirmed.append(_failed(change, str(error)))
        try:
            failures = self._client.people.enroll_many([enrollment for enrollment, _ in wanted]) if wanted else []
        except (RefusedError, NotAllowedError) as error:
            return [*confirmed, *(_failed(change, str(error)) for _, change in wanted)]
        failed = {failure.enrollment: failure for failure in failures}
        for enrollment, change in wanted:
            failure = failed.get(enrollment)
            if failure is None:
                confirmed.append(_delivered(change))
            elif failure.status >= 500:
                confirmed.append(self._enroll_again(change, enrollment))
            else:
                confirmed.append(_failed(change, f"HTTP {failure.status}: {failure.message}"))
        return confirmed

    def enroll_in_section(self, change: EnrollmentChange) -> Confirmed:
        """Add somebody to a section, in the role of its offering. Raises BrightspaceError."""
        if change.action != "unmap":
            user_id, section_id = _ids(change)
            offering_id = change.offering_id
            if offering_id is None:
                raise NotDeliverableError("its section's offering is not in Brightspace; see that one's error")
            self._client.courses.enroll_in_section(offering_id, section_id, user_id)
        return _delivered(change)

    def unenroll(self, change: EnrollmentChange, *, is_visible: bool) -> Confirmed:
        """End an enrollment. Raises BrightspaceError.

        `is_visible`: enrollments are known to be visible, so that one that is not found is gone.
        """
        user_id, org_unit_id = _ids(change)
        if not self._client.people.unenroll(user_id, org_unit_id) and not is_visible:
            raise NotDeliverableError("Brightspace shows no such enrollment, nor any that is known to be there")
        return _delivered(change)

    def relate(self, change: RelationshipChange) -> Confirmed:
        """Link a guardian to a student, or end that. Raises BrightspaceError."""
        if change.action != "unmap":
            if change.student_id is None or change.guardian_id is None:
                raise NotDeliverableError("one of the two is not in Brightspace; see that one's error")
            if change.action == "delete":
                self._client.people.remove_auditee(change.guardian_id, change.student_id)
            else:
                self._client.people.add_auditee(change.guardian_id, change.student_id)
        return Confirmed(change.kind, change.sourced_id, None, "delivered")

    def _create_user(self, change: UserChange) -> int:
        fields = needed(change.after)
        # Two that share what a search goes by come one after the other: else one's search would find the other.
        with self._twins[fields.org_defined_id if change.link_by == "org_defined_id" else fields.username.casefold()]:
            return self._find_or_create(change, fields)

    def _find_or_create(self, change: UserChange, fields: UserFields) -> int:
        found = self._linkable(change.link_by, fields) if change.link_by else None
        if found is None and self._look_up_first:
            found = self._own(fields)
        role_id = self._client.organization.role_named(fields.role).id
        if found is None:
            try:
                created = self._client.people.create(
                    username=fields.username,
                    org_defined_id=fields.org_defined_id,
                    first_name=fields.first_name,
                    last_name=fields.last_name,
                    email=fields.email,
                    role_id=role_id,
                    is_active=fields.is_active,
                )
                self._take(created.id)
                return created.id
            except OutcomeUnknownError:
                found = self._own(fields)
                if found is None:
                    raise
        self._write(found, fields, set(vars(fields)))
        return found.id

    def _own(self, fields: UserFields) -> User | None:
        """An account that an earlier try has made: usernames are unique, and the org-defined id has to fit too."""
        found = self._client.people.with_username(fields.username)
        is_own = found and found.org_defined_id == fields.org_defined_id and self._take(found.id)
        return found if is_own else None

    def _linkable(self, key: LinkKey, fields: UserFields) -> User | None:
        """The account with the same key. Raises AmbiguousError: two SIS users never become one account."""
        people = self._client.people
        if key == "username":
            found = people.with_username(fields.username)
        else:
            found = people.with_org_defined_id(fields.org_defined_id)
        if found and not self._take(found.id):
            raise AmbiguousError(
                f"the account with its {key}, user {found.id}, is linked to another user of the SIS already. "
                "Correct the SIS, where two users share it."
            )
        return found

    def _take(self, id_: int) -> bool:
        """Whether nobody else has the account."""
        with self._lock:
            if id_ in self._taken or id_ in self._managed:
                return False
            self._taken.add(id_)
            return True

    def _update_user(self, id_: int, before: UserFields, after: UserFields) -> None:
        user = self._client.people.user(id_)
        if user is None:
            raise NotFoundError(
                f"user {id_} is gone from Brightspace. Let an administrator restore or recreate the account.",
                status=404,
            )
        self._write(user, after, {name for name in vars(after) if getattr(before, name) != getattr(after, name)})

    def _write(self, user: User, fields: UserFields, changed: set[str]) -> None:
        """Write the changed fields, and leave those alone that a person may have changed."""
        if "role" in changed:
            role_id = self._client.organization.role_named(fields.role).id
            self._client.people.enroll(Enrollment(user.id, self._client.organization.root_id(), role_id))
        wanted = replace(user, **{name: getattr(fields, name) for name in changed - {"role"}})
        if wanted != user:
            self._client.people.change(wanted)

    def _enrollment(self, change: EnrollmentChange) -> Enrollment:
        user_id, org_unit_id = _ids(change)
        return Enrollment(user_id, org_unit_id, self._client.organization.role_named(needed(change.role)).id)

    def _enroll_again(self, change: EnrollmentChange, enrollment: Enrollment) -> Confirmed:
        try:
            self._client.people.enroll(enrollment)
        except BrightspaceError as error:
            return _failed(change, str(error))
        return _delivered(change)


def _ids(change: EnrollmentChange) -> tuple[int, int]:
    if change.user_id is None or change.org_unit_id is None:
        raise NotDeliverableError("its user or org unit is not in Brightspace; see that one's error")
    return change.user_id, change.org_unit_id


def _delivered(change: EnrollmentChange) -> Confirmed:
    return Confirmed(change.kind, change.sourced_id, None, "delivered")


def _failed(change: EnrollmentChange, error: str) -> Confirmed:
    return Confirmed(change.kind, change.sourced_id, None, "failed", error)

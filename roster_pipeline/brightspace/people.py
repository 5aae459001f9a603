"""Users, enrollments and auditors over the API."""

from collections.abc import Iterator, Sequence
from typing import Any

from roster_pipeline.brightspace.connection import ApiConnection
from roster_pipeline.brightspace.errors import AmbiguousError, NotFoundError, RefusedError
from roster_pipeline.brightspace.limits import BATCH_ROWS
from roster_pipeline.brightspace.models import Enrollment, EnrollmentFailure, User
from roster_pipeline.brightspace.paging import paged_result_set

_CONFLICT = 409


class People:
    """Creating a user raises OutcomeUnknownError where no clear answer came; enrolling is simply done again."""

    def __init__(self, connection: ApiConnection) -> None:
        self._connection = connection

    def service_user_id(self) -> int:
        """Who we are to the tenant: the cheapest call that needs a token."""
        return int(self._connection.get("lp", "/users/whoami")["Identifier"])

    def user(self, id_: int) -> User | None:
        try:
            return _user(self._connection.get("lp", f"/users/{id_}"))
        except NotFoundError:
            return None

    def with_org_defined_id(self, org_defined_id: str) -> User | None:
        """Raises AmbiguousError where several users share the id, as Brightspace allows."""
        try:
            found = [_user(each) for each in self._connection.get("lp", "/users/", orgDefinedId=org_defined_id)]
        except NotFoundError:
            return None
        same = [user for user in found if user.org_defined_id == org_defined_id]
        if len(same) > 1:
            raise AmbiguousError(
                f"Brightspace has {len(same)} users with the org-defined id {org_defined_id}. "
                "Correct all but one there."
            )
        return same[0] if same else None

    def with_username(self, username: str) -> User | None:
        try:
            return _user(self._connection.get("lp", "/users/", userName=username))
        except NotFoundError:
            return None

    def all(self) -> Iterator[User]:
        """Every user that the service user sees."""
        return map(_user, paged_result_set(self._connection, "lp", "/users/"))

    def create(
        self,
        *,
        username: str,
        org_defined_id: str,
        first_name: str,
        last_name: str,
        email: str | None,
        role_id: int,
        is_active: bool,
    ) -> User:
        """A new account, enrolled in the organization in this role; Brightspace sends no mail about it."""
        block = {
            "OrgDefinedId": org_defined_id,
            "FirstName": first_name,
            "MiddleName": None,
            "LastName": last_name,
            "ExternalEmail": email,
            "UserName": username,
            "RoleId": role_id,
            "IsActive": is_active,
            "SendCreationEmail": False,
            "Pronouns": None,
        }
        return _user(self._connection.post("lp", "/users/", block))

    def change(self, user: User) -> User:
        """Write a user as given; the call replaces all fields, and pronouns that are not sent stay."""
        block = {
            "OrgDefinedId": user.org_defined_id,
            "FirstName": user.first_name,
            "MiddleName": user.middle_name,
            "LastName": user.last_name,
            "ExternalEmail": user.email,
            "UserName": user.username,
            "Activation": {"IsActive": user.is_active},
            "Pronouns": None,
        }
        return _user(self._connection.put("lp", f"/users/{user.id}", block))

    def set_active(self, id_: int, *, is_active: bool) -> None:
        self._connection.put("lp", f"/users/{id_}/activation", {"IsActive": is_active})

    def enroll(self, enrollment: Enrollment) -> None:
        """Enroll, or change the role of who is enrolled already."""
        try:
            self._connection.post("lp", "/enrollments/", _enrollment_block(enrollment), repeatable=True)
        except RefusedError as error:
            # Some releases answer a repeated enrollment with a conflict.
            there = error.status == _CONFLICT and self.enrollment(enrollment.user_id, enrollment.org_unit_id)
            if there != enrollment:
                raise

    def enroll_many(self, enrollments: Sequence[Enrollment]) -> list[EnrollmentFailure]:
        """Enroll up to `limits.BATCH_ROWS` users in one call; the rows that Brightspace did not take, with reasons."""
        if len(enrollments) > BATCH_ROWS:
            raise ValueError(f"a batch holds at most {BATCH_ROWS} enrollments")
        # The call answers 200 whatever becomes of its rows.
        blocks = [_enrollment_block(each) for each in enrollments]
        failed: list[Any] = self._connection.post("lp", "/enrollments/batch/", blocks, repeatable=True)
        return [
            EnrollmentFailure(
                Enrollment(int(row["UserId"]), int(row["OrgUnitId"]), int(row["RoleId"])),
                int(row["StatusCode"]),
                str(row["StatusMessage"]),
            )
            for row in failed
        ]

    def unenroll(self, user_id: int, org_unit_id: int) -> bool:
        """Whether there was an enrollment to end."""
        try:
            self._connection.delete("lp", f"/enrollments/orgUnits/{org_unit_id}/users/{user_id}")
        except NotFoundError:
            return False
        return True

    def enrollment(self, user_id: int, org_unit_id: int) -> Enrollment | None:
        try:
            block = self._connection.get("lp", f"/enrollments/orgUnits/{org_unit_id}/users/{user_id}")
        except NotFoundError:
            return None
        return Enrollment(int(block["UserId"]), int(block["OrgUnitId"]), int(block["RoleId"]))

    def enrollments_in(self, org_unit_id: int) -> Iterator[Enrollment]:
        """Silently empty where the service user's role may not see enrollments."""
        for row in paged_result_set(self._connection, "lp", f"/enrollments/orgUnits/{org_unit_id}/users/"):
            yield Enrollment(int(row["User"]["Identifier"]), org_unit_id, int(row["Role"]["Id"]))

    def enrollments_of(self, user_id: int) -> Iterator[Enrollment]:
        """Silently empty where the service user's role may not see enrollments."""
        for row in paged_result_set(self._connection, "lp", f"/enrollments/users/{user_id}/orgUnits/"):
            yield Enrollment(user_id, int(row["OrgUnit"]["Id"]), int(row["Role"]["Id"]))

    def add_auditee(self, auditor_id: int, auditee_id: int) -> None:
        """Let an auditor, a parent for instance, watch a learner."""
        self._connection.post("le", f"/auditing/auditors/{auditor_id}/auditees/", auditee_id, repeatable=True)

    def remove_auditee(self, auditor_id: int, auditee_id: int) -> None:
        """Nothing happens where the two are not related."""
        try:
            self._connection.delete("le", f"/auditing/auditors/{auditor_id}/auditees/", auditee_id)
        except NotFoundError:
            return


def _user(block: Any) -> User:
    return User(
        int(block["UserId"]),
        block["UserName"],
        block["OrgDefinedId"],
        block["FirstName"],
        block["LastName"],
        block["MiddleName"],
        block["ExternalEmail"],
        block["Activation"]["IsActive"],
    )


def _enrollment_block(enrollment: Enrollment) -> dict[str, int]:
    return {
        "OrgUnitId": enrollment.org_unit_id,
        "UserId": enrollment.user_id,
        "RoleId": enrollment.role_id,
    }

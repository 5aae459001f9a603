"""A tenant's user accounts."""

from collections import defaultdict
from collections.abc import Callable

from roster_pipeline.brightspace import limits
from roster_pipeline.brightspace.limits import TextLimit
from roster_pipeline.sandbox.brightspace.objects import Clock, Creation, User, check_text, invalid, missing


class Directory:
    """User accounts, found by id, username and org-defined id."""

    def __init__(self, new_id: Callable[[], int], clock: Clock, creations: list[Creation]) -> None:
        self._new_id = new_id
        self._clock = clock
        self._creations = creations
        self.users: dict[int, User] = {}
        self._by_name: dict[str, int] = {}
        self._by_org_defined_id: defaultdict[str, set[int]] = defaultdict(set)

    def get(self, id_: int) -> User:
        """Raises TenantError (404)."""
        if id_ not in self.users:
            raise missing(f"there is no user {id_}")
        return self.users[id_]

    def named(self, username: str) -> User | None:
        """Usernames know no capital letters."""
        id_ = self._by_name.get(username.lower())
        return None if id_ is None else self.users[id_]

    def with_org_defined_id(self, org_defined_id: str) -> list[User]:
        """The platform does not keep org-defined ids unique."""
        return [self.users[id_] for id_ in sorted(self._by_org_defined_id.get(org_defined_id, ()))]

    def create(
        self,
        username: str,
        org_defined_id: str | None,
        first_name: str,
        last_name: str,
        *,
        middle_name: str | None = None,
        email: str | None = None,
        is_active: bool = True,
    ) -> User:
        """A new account. Raises TenantError (400)."""
        self._check(None, username, org_defined_id, first_name, last_name, email)
        user = User(
            self._new_id(),
            username,
            org_defined_id,
            first_name,
            last_name,
            middle_name,
            email,
            is_active,
            self._clock(),
        )
        twins = len(self.with_org_defined_id(org_defined_id)) if org_defined_id else 0
        self._creations.append(Creation("user", (org_defined_id or "", user.id), twins))
        self.users[user.id] = user
        self._index(user)
        return user

    def change(
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
        user = self.get(id_)
        self._check(id_, username, org_defined_id, first_name, last_name, email)
        self._forget(user)
        user.username, user.org_defined_id = username, org_defined_id
        user.first_name, user.last_name, user.middle_name = first_name, last_name, middle_name
        user.email, user.is_active = email, is_active
        self._index(user)
        return user

    def delete(self, id_: int) -> None:
        user = self.get(id_)
        self._forget(user)
        del self.users[id_]

    def _index(self, user: User) -> None:
        self._by_name[user.username.lower()] = user.id
        if user.org_defined_id:
            self._by_org_defined_id[user.org_defined_id].add(user.id)

    def _forget(self, user: User) -> None:
        del self._by_name[user.username.lower()]
        if user.org_defined_id:
            self._by_org_defined_id[user.org_defined_id].discard(user.id)

    def _check(
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
        if self._by_name.get(username.lower(), id_) != id_:
            raise invalid("UserName is in use")

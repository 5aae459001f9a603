"""Applies a delta to a tenant over the API, phase by phase, and tells of each change when it begins and how it ended.

A delivery may be killed at any instruction. What has ended is done; what had only begun is done again by the next
delivery, which finds what the first try has already made and ends in the same state.
"""

import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar, cast
from zoneinfo import ZoneInfo

from roster_pipeline.brightspace.changes import (
    Change,
    Changes,
    Confirm,
    Confirmed,
    ContentCopy,
    EnrollmentChange,
    OrgUnitChange,
    Outcome,
    Phase,
    RelationshipChange,
    UserChange,
    phases,
)
from roster_pipeline.brightspace.client import BrightspaceClient
from roster_pipeline.brightspace.errors import (
    AmbiguousError,
    BrightspaceError,
    SignInError,
    UnavailableError,
)
from roster_pipeline.brightspace.limits import BATCH_ROWS
from roster_pipeline.brightspace.org_unit_delivery import OrgUnitDelivery
from roster_pipeline.brightspace.parallel import in_parallel
from roster_pipeline.brightspace.people_delivery import PeopleDelivery

Row = TypeVar("Row")

#: Confirmations are handed over when there are so many, or when the first has waited so long, in seconds.
_CONFIRM_AT_ONCE = 20_000
_CONFIRM_AFTER = 60.0
#: Changes that are noted as begun at once, and repeated after a killed run.
_BEGUN_AT_ONCE = 64
#: Content copies that are announced at once, and unknown after a killed run.
_COPIES_AT_ONCE = 16
#: When the first so many changes of a phase all fail, the rest would too.
_HOPELESS = 25
#: Known enrollments that are looked for before anything is removed.
_SAMPLE = 5


class VisibilityError(BrightspaceError):
    """The service user does not see what is known to be there, so that nothing may be concluded from absence."""


class HopelessError(BrightspaceError):
    """Nothing of a kind can be delivered, so that trying the rest would only take time."""


@dataclass
class Delivered:
    """How many changes were delivered and how many failed, by kind."""

    counts: Counter[tuple[str, Outcome]] = field(default_factory=Counter[tuple[str, Outcome]])

    def count(self, outcome: Outcome) -> int:
        return sum(number for (_, each), number in self.counts.items() if each == outcome)


class ApiDelivery:
    """One delivery. `timezone` is the district's, in which courses start and end.

    `look_up_first`: whether an earlier delivery may have done something that was not confirmed, so that everything to
    be created is looked for before. Only a caller who knows that every earlier delivery came to its end says no.
    """

    def __init__(
        self,
        client: BrightspaceClient,
        changes: Changes,
        confirm: Confirm,
        timezone: ZoneInfo,
        *,
        look_up_first: bool = True,
    ) -> None:
        self._client = client
        self._changes = changes
        self._confirm = confirm
        self._timezone = timezone
        self._look_up_first = look_up_first
        self._enrollments_are_visible: bool | None = None

    def run(self) -> Delivered:
        """Apply every change.

        A change that Brightspace does not take is confirmed as failed, and the others go on. Raises UnavailableError,
        SignInError and HopelessError, where going on is pointless, and VisibilityError before the first removal; what
        was done until then is confirmed.
        """
        units = OrgUnitDelivery(
            self._client,
            self._timezone,
            self._changes.managed_org_unit_ids(),
            look_up_first=self._look_up_first,
        )
        people = PeopleDelivery(self._client, self._changes.managed_user_ids(), look_up_first=self._look_up_first)
        delivered = Delivered()
        for phase in phases(self._changes.depths):
            rows = iter(self._changes.rows(phase))
            first = next(rows, None)
            if first is None:
                continue
            if phase.is_removal and self._enrollments_are_visible is None:
                self._enrollments_are_visible = self._prove_visibility()
            self._run_phase(phase, itertools.chain([first], rows), units, people, delivered)
        return delivered

    def _run_phase(
        self,
        phase: Phase,
        rows: Iterable[Change],
        units: OrgUnitDelivery,
        people: PeopleDelivery,
        delivered: Delivered,
    ) -> None:
        threads = self._client.connection.concurrency
        results: Iterator[list[Confirmed]]
        if phase.entity == "enrollment" and not phase.is_removal:
            enrollments = cast("Iterable[EnrollmentChange]", rows)
            results = in_parallel(people.enroll, self._begun(enrollments, BATCH_ROWS), threads)
        else:
            work = self._single(phase, units, people)
            announced = self._started(rows) if phase.entity == "content_copy" else self._begun(rows, _BEGUN_AT_ONCE)
            changes = itertools.chain.from_iterable(announced)
            results = ([confirmed] for confirmed in in_parallel(work, changes, threads))
        self._hand_over(results, delivered)

    def _begun(self, rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
        for chunk in _chunks(rows, size):
            self._changes.begin(cast("list[Change]", chunk))
            yield chunk

    def _started(self, rows: Iterable[Change]) -> Iterator[list[Change]]:
        """Content copies, confirmed as started before, because nobody can tell a lost copy from none."""
        for chunk in _chunks(rows, _COPIES_AT_ONCE):
            self._confirm([Confirmed(copy.kind, copy.sourced_id, None, "started") for copy in chunk])
            yield chunk

    def _single(self, phase: Phase, units: OrgUnitDelivery, people: PeopleDelivery) -> Callable[[Change], Confirmed]:
        """What does one change of a phase; a failure of that change alone becomes its confirmation."""

        def deliver(change: Change) -> Confirmed:
            try:
                if isinstance(change, OrgUnitChange):
                    return units.deliver(phase.entity, change)
                if isinstance(change, UserChange):
                    return people.deliver_user(change)
                if isinstance(change, RelationshipChange):
                    return people.relate(change)
                if isinstance(change, ContentCopy):
                    return self._copy(change)
                if phase.is_removal:
                    return people.unenroll(change, is_visible=bool(self._enrollments_are_visible))
                return people.enroll_in_section(change)
            except (UnavailableError, SignInError):
                raise
            except BrightspaceError as error:
                return Confirmed(change.kind, change.sourced_id, None, "failed", str(error))

        return deliver

    def _hand_over(self, results: Iterable[list[Confirmed]], delivered: Delivered) -> None:
        """Confirm in bounded batches; also what was done before an error that ends everything."""
        waiting: list[Confirmed] = []
        since = time.monotonic()
        succeeded = failed = 0
        try:
            for batch in results:
                self._changes.end(batch)
                waiting.extend(batch)
                for confirmed in batch:
                    delivered.counts[confirmed.kind, confirmed.outcome] += 1
                failures = [confirmed.error for confirmed in batch if confirmed.outcome == "failed"]
                failed += len(failures)
                succeeded += len(batch) - len(failures)
                if not succeeded and failed >= _HOPELESS:
                    raise HopelessError(f"the first {failed} changes of a kind all failed; the last: {failures[-1]}")
                if len(waiting) >= _CONFIRM_AT_ONCE or time.monotonic() - since >= _CONFIRM_AFTER:
                    self._flush(waiting)
                    since = time.monotonic()
        except BrightspaceError:
            self._flush(waiting)
            raise
        self._flush(waiting)

    def _flush(self, waiting: list[Confirmed]) -> None:
        while waiting:
            self._confirm(waiting[:_CONFIRM_AT_ONCE])
            del waiting[:_CONFIRM_AT_ONCE]

    def _prove_visibility(self) -> bool:
        """Whether known enrollments are visible; False where none is known.

        A role without the permission to see enrollments gets empty lists and 404, which look like removed already.
        """
        known = list(itertools.islice(self._changes.known_enrollments(), _SAMPLE))
        for user_id, org_unit_id in known:
            if self._client.people.enrollment(user_id, org_unit_id) is not None:
                return True
        if known:
            raise VisibilityError(
                f"{self._client.connection.url} shows none of {len(known)} enrollments that were delivered earlier, "
                f"such as user {known[0][0]} in org unit {known[0][1]}. Nothing was removed. Give the service user's "
                "role the permissions View User Enrollments and Search for each role that is enrolled."
            )
        return False

    def _copy(self, copy: ContentCopy) -> Confirmed:
        if copy.was_started:
            raise BrightspaceError(
                "an earlier course copy into this offering may have been queued. Look into the offering, and copy by "
                "hand where it is empty."
            )
        source_id = self._copy_source(copy)
        if source_id is not None:
            self._client.courses.copy_content(copy.offering_id, source_id)
        return Confirmed(copy.kind, copy.sourced_id, None, "delivered")

    def _copy_source(self, copy: ContentCopy) -> int | None:
        """The course to copy from; None where there is none. Raises AmbiguousError."""
        if copy.source == "parent_template":
            return copy.template_id
        organization = self._client.organization
        offering_type = organization.type_named("Course Offering").id
        if copy.source == "same_code":
            code, candidates = copy.offering_code, organization.find(copy.offering_code, offering_type)
        else:
            code = copy.template_code
            candidates = [unit for unit in organization.children(copy.template_id, offering_type) if unit.code == code]
        others = [unit.id for unit in candidates if unit.id != copy.offering_id]
        if len(others) > 1:
            raise AmbiguousError(f"{len(others)} courses have the code {code}, so none was copied from")
        return others[0] if others else None


def _chunks(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    remaining = iter(rows)
    while chunk := list(itertools.islice(remaining, size)):
        yield chunk

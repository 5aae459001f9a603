"""Holds a delta back that takes away or changes more than the source's settings allow, or that looks like a mistake.

What looks like one: an extract in which all rows of a resource are gone, one in which a school with people in it is
gone, and one whose users or classes come under new sourcedIds. None of these need remove much by itself: absence alone
removes little, and new ids only create. Yet each of them is how a broken export or a rollover gone wrong begins.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from roster_pipeline.settings.delivery import Safety
from roster_pipeline.warehouse.connection import Session, sql_text
from roster_pipeline.warehouse.delta import delta_fingerprint

#: What users and classes with new sourcedIds are recognised by.
_RECOGNISED_BY = {"users": "username or org-defined id", "classes": "code and name"}


@dataclass(frozen=True)
class Group:
    """Rows of the delta that share what happens to them and why."""

    entity: str
    place: str | None
    """Name of the school, else kind of org unit; None for people."""
    action: str
    reason: str
    rows: int


@dataclass(frozen=True)
class Verdict:
    """What the guard says of a delta."""

    fingerprint: str
    objections: list[str]
    """A sentence for each reason to hold it back."""
    largest_groups: list[Group]
    """The ten largest, where there is an objection."""
    vanished_schools: list[str]
    """Org unit keys of managed schools that the extract no longer holds; the run that passes notes them as known."""

    @property
    def passes(self) -> bool:
        return not self.objections


def judge(session: Session, safety: Safety) -> Verdict:
    """Compare the delta of the session's source and school year, worked out in this session, with the limits."""
    session.set_variables(
        ignore_below=safety.ignore_below,
        max_removed_percent=safety.max_removed_percent,
        max_changed_percent=safety.max_changed_percent,
    )
    for table in ("school_of_unit", "delta_groups", "missing_schools"):
        session.create_temporary(table, f"delta/{table}")
    least = max(safety.ignore_below, 1)
    # Most nights no school is missing and there is no need to count people.
    is_missing = session.value("SELECT EXISTS (FROM missing_schools)")
    vanished = session.execute(sql_text("delta/vanished_schools")) if is_missing else []
    objections = [
        # Most nights touch so little that there is no need to count what is managed.
        *(_beyond_limits(session, safety) if _rows(session, "action <> 'create'") >= least else ()),
        *_emptied_resources(session),
        *(
            f"School {name} ({key.partition(':')[2]}), with {people:,} people in it, is no longer in the extract, "
            "and the SIS did not report it deleted"
            for key, name, people, is_news in vanished
            if is_news
        ),
        *(_reissued_ids(session, safety) if _rows(session, "action = 'create'") >= least else ()),
    ]
    groups = [Group(*row) for row in session.execute(sql_text("delta/largest_groups"))] if objections else []
    return Verdict(delta_fingerprint(session), objections, groups, [key for key, *_ in vanished])


def _rows(session: Session, condition: str) -> int:
    rows: int = session.value(f"SELECT coalesce(sum(rows), 0) FROM delta_groups WHERE {condition}")
    return rows


def _beyond_limits(session: Session, safety: Safety) -> Iterator[str]:
    for entity, school, removed, changed, managed, too_many_removed, too_many_changed in session.execute(
        sql_text("delta/guard")
    ):
        what = f"{managed:,} {entity}{f' of {school}' if school else ''}"
        if too_many_removed:
            yield (
                f"{removed:,} of {what} would be removed "
                f"({100 * removed / managed:.1f} %; safety.max_removed_percent is {safety.max_removed_percent:g})"
            )
        if too_many_changed:
            yield (
                f"{changed:,} of {what} would be changed "
                f"({100 * changed / managed:.1f} %; safety.max_changed_percent is {safety.max_changed_percent:g})"
            )


def _emptied_resources(session: Session) -> Iterator[str]:
    for resource, rows in session.execute(sql_text("delta/emptied_resources")):
        yield f"The extract holds no {resource} at all; the last one that was delivered from held {rows:,}"


def _reissued_ids(session: Session, safety: Safety) -> Iterator[str]:
    for entity, reissued, managed in session.execute(sql_text("delta/reissued_ids")):
        yield (
            f"{reissued:,} of {managed:,} {entity} come under a new sourcedId, with the {_RECOGNISED_BY[entity]} of "
            f"{entity} whose own is gone: the SIS seems to have given out new ids, and Brightspace would hold them "
            f"twice (safety.max_changed_percent is {safety.max_changed_percent:g})"
        )

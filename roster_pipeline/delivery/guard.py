"""Holds a delta back that takes away or changes more than the source's settings allow."""

from dataclasses import dataclass

from roster_pipeline.settings.delivery import Safety
from roster_pipeline.warehouse.connection import Session, sql_text
from roster_pipeline.warehouse.delta import delta_fingerprint


@dataclass(frozen=True)
class Excess:
    """One limit that the delta passes."""

    entity: str
    school: str | None
    rows: int
    managed: int
    what: str
    """removed or changed"""
    limit_percent: float

    def __str__(self) -> str:
        place = f" of {self.school}" if self.school else ""
        percent = 100 * self.rows / self.managed if self.managed else 100
        return (
            f"{self.rows} of {self.managed} {self.entity}{place} would be {self.what} "
            f"({percent:.1f} %; safety.max_{self.what}_percent is {self.limit_percent:g})"
        )


@dataclass(frozen=True)
class Group:
    """Rows of the delta that share what happens to them and why."""

    entity: str
    place: str | None
    action: str
    reason: str
    rows: int


@dataclass(frozen=True)
class Verdict:
    """What the guard says of a delta."""

    fingerprint: str
    excesses: list[Excess]
    largest_groups: list[Group]

    @property
    def passes(self) -> bool:
        return not self.excesses


def judge(session: Session, safety: Safety) -> Verdict:
    """Compare the delta of the session's source and school year with the limits."""
    session.set_variables(
        ignore_below=safety.ignore_below,
        max_removed_percent=safety.max_removed_percent,
        max_changed_percent=safety.max_changed_percent,
    )
    excesses: list[Excess] = []
    for entity, school, removed, changed, managed, too_many_removed, too_many_changed in session.execute(
        sql_text("delta/guard")
    ):
        if too_many_removed:
            excesses.append(Excess(entity, school, removed, managed, "removed", safety.max_removed_percent))
        if too_many_changed:
            excesses.append(Excess(entity, school, changed, managed, "changed", safety.max_changed_percent))
    groups = [Group(*row) for row in session.execute(sql_text("delta/largest_groups"))] if excesses else []
    return Verdict(delta_fingerprint(session), excesses, groups)

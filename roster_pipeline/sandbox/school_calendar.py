"""School years with two terms and four grading periods."""

from dataclasses import dataclass
from datetime import date, timedelta

from roster_pipeline.sandbox.objects import AcademicSession


@dataclass(frozen=True)
class SchoolYear:
    """The academic sessions of one school year."""

    ends: int
    """The year in which it ends: 2027."""
    year: AcademicSession
    terms: tuple[AcademicSession, ...]
    grading_periods: tuple[AcademicSession, ...]

    @property
    def sessions(self) -> tuple[AcademicSession, ...]:
        return (self.year, *self.terms, *self.grading_periods)


def ending_year(day: date) -> int:
    """The year in which the school year of `day` ends; from July on that is the next year."""
    return day.year + (day.month >= 7)


def day_after(day: str) -> str:
    """The next day: what OneRoster writes as the (exclusive) end of an enrollment."""
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()


def school_year(ends: int, modified: str) -> SchoolYear:
    """The school year that ends in June of `ends`; `modified` is the sessions' dateLastModified."""
    quarters = (
        (f"{ends - 1}-08-17", f"{ends - 1}-10-16"),
        (f"{ends - 1}-10-19", f"{ends}-01-08"),
        (f"{ends}-01-11", f"{ends}-03-12"),
        (f"{ends}-03-15", f"{ends}-06-04"),
    )

    def session(
        sourced_id: str, title: str, kind: str, days: tuple[str, str], parent: str | None = None
    ) -> AcademicSession:
        return AcademicSession(
            sourced_id=sourced_id,
            date_last_modified=modified,
            title=title,
            type=kind,
            start_date=days[0],
            end_date=days[1],
            parent_sourced_id=parent,
            school_year=str(ends),
        )

    year = session(f"sy-{ends}", f"{ends - 1}-{ends} School Year", "schoolYear", (quarters[0][0], quarters[3][1]))
    terms = tuple(
        session(
            f"term-{ends}-{number}",
            f"Semester {number} {ends - 1}-{ends}",
            "term",
            (quarters[2 * number - 2][0], quarters[2 * number - 1][1]),
            year.sourced_id,
        )
        for number in (1, 2)
    )
    grading_periods = tuple(
        session(
            f"gp-{ends}-{number}",
            f"Quarter {number} {ends - 1}-{ends}",
            "gradingPeriod",
            quarters[number - 1],
            terms[(number - 1) // 2].sourced_id,
        )
        for number in (1, 2, 3, 4)
    )
    return SchoolYear(ends, year, terms, grading_periods)

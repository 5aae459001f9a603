"""School years: the partitions of every table, named `2026-2027`."""

import os
from datetime import date, datetime
from zoneinfo import ZoneInfo

#: The first school year that can be backfilled; ROSTER_FIRST_SCHOOL_YEAR overrides it.
FIRST_SCHOOL_YEAR = "2015-2016"
#: From this day on (month, day) a summer run works for the next school year.
ROLLOVER = (7, 1)


def school_year_of(day: date, rollover: tuple[int, int] = ROLLOVER) -> str:
    """The school year a day belongs to, the summer counting for the next one."""
    starts = day.year if (day.month, day.day) >= rollover else day.year - 1
    return f"{starts}-{starts + 1}"


def ending_year(school_year: str) -> int:
    """The year OneRoster's `schoolYear` names: the one in which the school year ends."""
    starts, _, ends = school_year.partition("-")
    if not (starts.isdigit() and ends.isdigit() and int(ends) == int(starts) + 1):
        raise ValueError(f"{school_year!r} is no school year; write it like 2026-2027")
    return int(ends)


def today(timezone: str) -> date:
    """The calendar day at the district."""
    return datetime.now(ZoneInfo(timezone)).date()


def school_years(until: date | None = None) -> list[str]:
    """Every school year from the first to the one after the current."""
    first = ending_year(os.environ.get("ROSTER_FIRST_SCHOOL_YEAR") or FIRST_SCHOOL_YEAR)
    last = ending_year(school_year_of(until or date.today())) + 1  # noqa: DTZ011 - a day too early or late adds no error
    return [f"{ends - 1}-{ends}" for ends in range(first, last + 1)]

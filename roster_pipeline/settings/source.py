"""A source system's settings: the whole source file."""

import datetime as dt
import re
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, model_validator

from roster_pipeline.partitions import school_year_of
from roster_pipeline.settings.base import Section
from roster_pipeline.settings.brightspace import Brightspace
from roster_pipeline.settings.connection import Connection
from roster_pipeline.settings.courses import Courses
from roster_pipeline.settings.delivery import Delivery, Safety
from roster_pipeline.settings.grade_export import GradeExport
from roster_pipeline.settings.mapping import Mapping
from roster_pipeline.settings.org_units import OrgUnits
from roster_pipeline.settings.overwrite import Overwrite
from roster_pipeline.settings.people import People

#: A sync inside these hours gets a warning: it loads the SIS while it is in use.
WORKING_HOURS = (dt.time(7), dt.time(18))


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("is no time zone; write one like America/Chicago") from error
    return value


def _clock(value: str) -> str:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
        raise ValueError('must be a time of day like "02:00", in quotes')
    return value


def _day_of_year(value: str) -> str:
    try:
        # A leap year, so that every day of a calendar is one.
        dt.date.fromisoformat(f"2024-{value}")
    except ValueError as error:
        raise ValueError('must be a month and a day like "07-01", in quotes') from error
    return value


class Schedule(Section):
    """The daily run of a REST source, at the district's time; sources of files run when a file arrives."""

    enabled: bool = Field(True, description="Whether the nightly run, or the watch for new files, starts by itself")
    time: Annotated[str, AfterValidator(_clock)] = Field("02:00", description="Time of day at the district")
    rollover: Annotated[str, AfterValidator(_day_of_year)] = Field(
        "07-01", description="From this month and day on, a run without a school year works for the next one"
    )

    @property
    def clock(self) -> dt.time:
        return dt.time.fromisoformat(self.time)


class Source(Section):
    """One SIS connection of one district, as its source file and its profile describe it."""

    name: str = Field(min_length=1, description="Unique label")
    profile: Literal["skyward", "infinite_campus", "generic"] = Field(
        description="The vendor's ways, as defaults for everything below"
    )
    timezone: Annotated[str, AfterValidator(_zone)] = Field(
        "UTC", description="Where the district's days begin, like America/Chicago"
    )
    connection: Connection
    schedule: Schedule = Field(default_factory=Schedule)
    operators: list[str] = Field(
        default=[], description="Logins of those who may start a run by hand; empty: whoever can use this machine"
    )
    retention: int = Field(14, ge=1, le=365, description="Nights that a raw extract is kept")
    overwrite: Overwrite = Field(default_factory=Overwrite)
    people: People = Field(default_factory=People)
    courses: Courses = Field(default_factory=Courses)
    org_units: OrgUnits = Field(default_factory=OrgUnits)
    mapping: Mapping = Field(default_factory=Mapping)
    delivery: Delivery = Field(default_factory=Delivery)
    safety: Safety = Field(default_factory=Safety)
    grade_export: GradeExport = Field(default_factory=GradeExport)
    brightspace: Brightspace | None = None

    def school_year_of(self, day: dt.date) -> str:
        """The school year that a run on `day` works for."""
        rollover = dt.date.fromisoformat(f"2024-{self.schedule.rollover}")
        return school_year_of(day, (rollover.month, rollover.day))

    @property
    def existing(self) -> Literal["files", "api", "data_sets"]:
        """Where what Brightspace holds already is looked up."""
        return self.brightspace.existing if self.brightspace else "files"

    def may_run(self, login: str | None) -> bool:
        """Whether `login` may start a run by hand."""
        return not self.operators or login in self.operators

    @model_validator(mode="after")
    def _possible(self) -> "Source":
        if self.schedule.enabled and not self.people.roles:
            raise ValueError(
                "schedule.enabled: true needs at least one role in people.roles, or nobody would be created; "
                "map the roles first, or set schedule.enabled: false"
            )
        if self.delivery.route in {"outbox", "sftp"} and not self.delivery.unique_codes:
            raise ValueError(
                f"delivery.unique_codes: false is not possible with route {self.delivery.route}, "
                "because the code is the key of the Standard CSV; set it to true or use route api"
            )
        if self.delivery.route == "sftp" and self.delivery.sftp is None:
            raise ValueError("delivery.route: sftp needs delivery.sftp with host, username, a credential and host_key")
        if self.delivery.route == "api" and self.brightspace is None:
            raise ValueError("delivery.route: api needs the section brightspace with url and auth")
        if self.grade_export.enabled:
            if self.connection.kind != "rest":
                raise ValueError(
                    f"grade_export.enabled: true is not possible with connection.kind {self.connection.kind}, "
                    "because grades go back over OneRoster REST; set connection.kind: rest"
                )
            if self.grade_export.gradebook.kind != "files" and self.brightspace is None:
                raise ValueError(
                    f"grade_export.gradebook.kind: {self.grade_export.gradebook.kind} needs the section brightspace"
                )
        return self

    def warnings(self) -> list[str]:
        """What is possible but probably not meant, each with its key."""
        found: list[str] = []
        if self.schedule.enabled and WORKING_HOURS[0] <= self.schedule.clock < WORKING_HOURS[1]:
            found.append(f'schedule.time: "{self.schedule.time}" lies in working hours; overnight is kinder to the SIS')
        if self.courses.on_delete != "nothing" and not {"term", "semester"} & set(self.courses.session_types):
            found.append(
                f"courses.on_delete: {self.courses.on_delete} needs a term or semester in courses.session_types "
                "to work at rollover; add one"
            )
        return found

"""Reads the tenant over its API: listings page by page, and of single org units what only they tell.

A listing costs a call for each page of users, of the organization's enrollments and of org units; each org unit of
which more is wanted costs a call for its state and dates, one for its parents, and one for each page of enrollments.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from roster_pipeline.brightspace.client import BrightspaceClient
from roster_pipeline.brightspace.errors import NotFoundError
from roster_pipeline.brightspace.models import Enrollment, Offering
from roster_pipeline.brightspace.parallel import in_parallel
from roster_pipeline.tenant.reading import SCHEMAS, Reading, RowFile, Wanted
from roster_pipeline.warehouse.connection import sql_text

#: Rows of wanted org units in memory at a time.
_FETCH = 2000


@dataclass(frozen=True)
class _Unit:
    """An org unit of which more is wanted."""

    id: int
    course: bool
    parents: bool
    enrollments: bool


@dataclass(frozen=True)
class _Told:
    """What one org unit told."""

    id: int
    course: Offering | None
    parents: list[int]
    enrollments: list[Enrollment]


def read_api(client: BrightspaceClient, wanted: Wanted, folder: Path) -> Reading:
    """Write what is wanted into `folder`. Raises BrightspaceError."""
    for name in SCHEMAS:
        with RowFile(folder, name):
            pass  # so that every file is there
    listings = [_list_roles]
    if wanted.users:
        listings += [_list_users, _list_user_roles]
    if wanted.org_units:
        listings += [_list_org_units]
    with ThreadPoolExecutor(len(listings), thread_name_prefix="tenant") as pool:
        for done in [pool.submit(listing, client, folder) for listing in listings]:
            done.result()
    if wanted.org_units:
        _ask_units(client, wanted, folder)
    return Reading(folder, "api", wanted, {})


def _list_roles(client: BrightspaceClient, folder: Path) -> None:
    with RowFile(folder, "roles") as file:
        for role in client.organization.roles():
            file.add(role.id, role.name, role.code)


def _list_users(client: BrightspaceClient, folder: Path) -> None:
    with RowFile(folder, "users") as file:
        for user in client.people.all():
            file.add(
                user.id,
                user.username,
                user.org_defined_id,
                user.first_name,
                user.last_name,
                user.email,
                user.is_active,
            )


def _list_user_roles(client: BrightspaceClient, folder: Path) -> None:
    with RowFile(folder, "user_roles") as file:
        for enrollment in client.people.enrollments_in(client.organization.root_id()):
            file.add(enrollment.user_id, enrollment.role_id)


def _list_org_units(client: BrightspaceClient, folder: Path) -> None:
    types = {type_.id: type_.name for type_ in client.organization.types()}
    with RowFile(folder, "org_units") as file:
        for unit in client.organization.all():
            file.add(unit.id, types.get(unit.type_id), unit.code, unit.name)


def _ask_units(client: BrightspaceClient, wanted: Wanted, folder: Path) -> None:
    def ask(unit: _Unit) -> _Told:
        course = client.courses.offering(unit.id) if unit.course else None
        try:
            parents = [parent.id for parent in client.organization.parents(unit.id)] if unit.parents else []
            enrollments = list(client.people.enrollments_in(unit.id)) if unit.enrollments else []
        except NotFoundError:
            # Deleted since it was listed: what it told before is of no use either.
            return _Told(unit.id, None, [], [])
        return _Told(unit.id, course, parents, enrollments)

    with (
        RowFile(folder, "courses") as courses,
        RowFile(folder, "org_unit_parents") as org_unit_parents,
        RowFile(folder, "enrollments") as enrollments,
    ):
        for told in in_parallel(ask, _units(wanted, folder), client.connection.concurrency):
            if told.course:
                start, end = _utc(told.course.start_date), _utc(told.course.end_date)
                courses.add(told.id, told.course.is_active, start, end)
            for parent_id in told.parents:
                org_unit_parents.add(told.id, parent_id)
            for each in told.enrollments:
                enrollments.add(each.user_id, each.org_unit_id, each.role_id, None)


def _units(wanted: Wanted, folder: Path) -> Iterator[_Unit]:
    """The org units of which more is wanted, as far as they are there."""
    with duckdb.connect() as database:
        database.execute("SET VARIABLE wanted = $path", {"path": str(wanted.units)})
        database.execute("SET VARIABLE folder = $path", {"path": str(folder)})
        cursor = database.execute(sql_text("existing/units_to_ask"))
        while batch := cursor.fetchmany(_FETCH):
            yield from (_Unit(*row) for row in batch)


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC).replace(tzinfo=None)

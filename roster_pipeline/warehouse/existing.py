"""What Brightspace holds already, as far as it was told: for linking, for content to copy, and for the drift report.

Temporary tables, the same whatever the way in. `existing_users`: brightspace_id BIGINT, username, org_defined_id,
first_name, last_name, email, role, is_active BOOLEAN. `existing_org_units`: brightspace_id BIGINT, type (as the
Standard CSV writes it, in small letters), code, name, parent_codes VARCHAR[], template_code, is_active BOOLEAN, and
dates_known BOOLEAN, start_date and end_date (UTC), which files do not tell. `existing_org_unit_parents`,
`existing_enrollments` and `existing_roles` have ids, and rows only of a reading of the tenant. All are empty where
nothing was told.

One way in are two CSV files of the columns of the first two in a folder `existing`, with `|` between several parent
codes; the others are readings of the tenant, over its API or of its data sets.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString

from roster_pipeline.home import Home
from roster_pipeline.settings import Source
from roster_pipeline.settings.connection import Folder
from roster_pipeline.tenant.reading import Reading
from roster_pipeline.warehouse.connection import Session

FOLDER = "existing"
#: Columns each file must have; `email` may be there too.
USER_COLUMNS = ("brightspace_id", "username", "org_defined_id", "first_name", "last_name", "role", "is_active")
ORG_UNIT_COLUMNS = ("brightspace_id", "type", "code", "name", "parent_codes", "template_code", "is_active")


class ExistingError(Exception):
    """A file with what Brightspace holds cannot be used. The message names the file, what is wrong and the remedy."""


@dataclass(frozen=True)
class ExistingFiles:
    """The files of a source; None for one that is not there."""

    users: Path | None = None
    org_units: Path | None = None


Existing = ExistingFiles | Reading

#: Nothing was told.
NOTHING = ExistingFiles()


def existing_files(home: Home, source_id: str, settings: Source) -> ExistingFiles:
    """The files of a source: beside its source file, else beside the SIS's files."""
    folders = [home.sources / source_id / FOLDER]
    if isinstance(settings.connection, Folder):
        folders.append(home.root / settings.connection.path / FOLDER)

    def first(name: str) -> Path | None:
        return next((path for folder in folders if (path := folder / name).is_file()), None)

    return ExistingFiles(first("users.csv"), first("org_units.csv"))


def load_existing(session: Session, existing: Existing) -> None:
    """Fill the tables. Raises ExistingError."""
    session.run_file("existing/tables")
    if isinstance(existing, Reading):
        session.set_variables(reading=str(existing.folder))
        session.run_file("existing/reading")
        return
    _load_file(session, "existing/users_of_file", existing.users, USER_COLUMNS)
    _load_file(session, "existing/org_units_of_file", existing.org_units, ORG_UNIT_COLUMNS)


def has_emails(existing: Existing) -> bool:
    """Whether e-mail addresses are told."""
    return isinstance(existing, Reading) or (existing.users is not None and "email" in _header(existing.users))


def _load_file(session: Session, statement: LiteralString, path: Path | None, columns: Sequence[str]) -> None:
    if path is None:
        return
    header = _header(path)
    missing = [column for column in columns if column not in header]
    if missing:
        raise ExistingError(f"{path} has no column {', '.join(missing)}; its first line must name {', '.join(columns)}")
    session.set_variables(existing_file=str(path))
    session.run_file(statement)


def _header(path: Path) -> list[str]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return next(csv.reader(file), [])
    except UnicodeDecodeError as error:
        raise ExistingError(f"{path} is not UTF-8 text; export it as UTF-8") from error

"""What Brightspace holds already, as far as it was told: for linking, and for finding course content to copy.

Two temporary tables, whatever the way in. `existing_users`: brightspace_id BIGINT, username, org_defined_id,
first_name, last_name, email, role, is_active BOOLEAN. `existing_org_units`: brightspace_id BIGINT, type (as the
Standard CSV writes it, in small letters), code, name, parent_codes VARCHAR[], template_code, is_active BOOLEAN.
Both are empty where nothing was told.

One way in are two CSV files of the same columns in a folder `existing`, with `|` between several parent codes.
"""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import LiteralString

from roster_pipeline.home import Home
from roster_pipeline.settings import Source
from roster_pipeline.settings.connection import Folder
from roster_pipeline.warehouse.connection import Session

FOLDER = "existing"
#: Columns each file must have; `email` may be there too.
USER_COLUMNS = ("brightspace_id", "username", "org_defined_id", "first_name", "last_name", "role", "is_active")
ORG_UNIT_COLUMNS = ("brightspace_id", "type", "code", "name", "parent_codes", "template_code", "is_active")


class ExistingError(Exception):
    """A file with what Brightspace holds cannot be used. The message names the file, what is wrong and the remedy."""


def existing_folders(home: Home, source_id: str, settings: Source) -> list[Path]:
    """Where the files of a source may be, the first place that has a file winning."""
    folders = [home.sources / source_id / FOLDER]
    if isinstance(settings.connection, Folder):
        folders.append(home.root / settings.connection.path / FOLDER)
    return folders


def load_existing(session: Session, folders: Sequence[Path]) -> None:
    """Fill `existing_users` and `existing_org_units` from the CSV files in `folders`. Raises ExistingError."""
    session.run_file("delta/existing")
    _load(session, "delta/existing_users", [folder / "users.csv" for folder in folders], USER_COLUMNS)
    _load(session, "delta/existing_org_units", [folder / "org_units.csv" for folder in folders], ORG_UNIT_COLUMNS)


def _load(session: Session, statement: LiteralString, paths: Sequence[Path], columns: Sequence[str]) -> None:
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        return
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            header = next(csv.reader(file), [])
    except UnicodeDecodeError as error:
        raise ExistingError(f"{path} is not UTF-8 text; export it as UTF-8") from error
    missing = [column for column in columns if column not in header]
    if missing:
        raise ExistingError(f"{path} has no column {', '.join(missing)}; its first line must name {', '.join(columns)}")
    session.set_variables(existing_file=str(path), existing_has_email="email" in header)
    session.run_file(statement)

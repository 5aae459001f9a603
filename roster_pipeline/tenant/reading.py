"""A reading of the tenant: Parquet files in a private folder, the same whether the API or the data sets were read.

| file | columns |
| --- | --- |
| `roles` | role_id, name, code |
| `users` | user_id, username, org_defined_id, first_name, last_name, email, is_active |
| `user_roles` | user_id, role_id: the role in the organization |
| `org_units` | org_unit_id, type (Brightspace's name of it), code, name: those not in the recycle bin |
| `courses` | org_unit_id, is_active, start_date, end_date (UTC): what only some org units were asked for |
| `org_unit_parents` | org_unit_id, parent_id |
| `enrollments` | user_id, org_unit_id, role_id, is_inherited (from an org unit above; NULL where that is not told) |

Every file is there; what was not asked for is empty.
"""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import pyarrow as pa
import pyarrow.parquet as pq

from roster_pipeline.home import PRIVATE_FILE, Home, private_folder

_ID, _TEXT, _FLAG, _TIME = pa.int64(), pa.string(), pa.bool_(), pa.timestamp("us")
_COLUMNS: dict[str, dict[str, pa.DataType]] = {
    "roles": {"role_id": _ID, "name": _TEXT, "code": _TEXT},
    "users": {
        "user_id": _ID,
        "username": _TEXT,
        "org_defined_id": _TEXT,
        "first_name": _TEXT,
        "last_name": _TEXT,
        "email": _TEXT,
        "is_active": _FLAG,
    },
    "user_roles": {"user_id": _ID, "role_id": _ID},
    "org_units": {"org_unit_id": _ID, "type": _TEXT, "code": _TEXT, "name": _TEXT},
    "courses": {"org_unit_id": _ID, "is_active": _FLAG, "start_date": _TIME, "end_date": _TIME},
    "org_unit_parents": {"org_unit_id": _ID, "parent_id": _ID},
    "enrollments": {"user_id": _ID, "org_unit_id": _ID, "role_id": _ID, "is_inherited": _FLAG},
}
SCHEMAS = {name: pa.schema(columns) for name, columns in _COLUMNS.items()}

#: Rows that are kept in memory until they are written.
_BATCH = 20_000


@dataclass(frozen=True)
class Wanted:
    """What is to be read."""

    users: bool
    org_units: bool
    units: Path
    """Parquet: org units of which more is wanted than that they are there. org_unit_id (NULL where it is not known:
    type and code are looked for then), type (in small letters), code, and whether `course` (state and dates), `parents`
    and `enrollments` are wanted."""

    @property
    def anything(self) -> bool:
        return self.users or self.org_units


@dataclass(frozen=True)
class Times:
    """When an extract of the data sets was made, UTC."""

    full: datetime
    """What was taken away since is not seen."""
    newest: datetime
    """What was added or changed since is not seen."""


@dataclass(frozen=True)
class Reading:
    """What was read. The files live as long as whoever made them says."""

    folder: Path
    way: Literal["api", "data_sets"]
    wanted: Wanted
    times: dict[str, Times]
    """Of the data sets, by file: users, org_units, org_unit_parents, enrollments. Empty for the API, which tells how it
    is now."""


class RowFile:
    """One file of a reading, written row by row in bounded memory."""

    def __init__(self, folder: Path, name: str) -> None:
        self._schema = SCHEMAS[name]
        self._path = folder / f"{name}.parquet"
        self._columns: list[list[Any]] = [[] for _ in self._schema]

    def __enter__(self) -> Self:
        self._path.touch(mode=PRIVATE_FILE)
        self._writer = pq.ParquetWriter(self._path, self._schema, compression="zstd")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._flush()
        self._writer.close()

    def add(self, *values: Any) -> None:
        """A row, its values in the order of the schema."""
        for column, value in zip(self._columns, values, strict=True):
            column.append(value)
        if len(self._columns[0]) >= _BATCH:
            self._flush()

    def _flush(self) -> None:
        columns = [pa.array(values, field.type) for values, field in zip(self._columns, self._schema, strict=True)]
        self._writer.write_table(pa.table(columns, schema=self._schema))
        for values in self._columns:
            values.clear()


@contextmanager
def reading_folder(home: Home, source_id: str) -> Generator[Path]:
    """A private folder for one reading, empty, and gone afterwards. Whoever calls holds the lock of the source."""
    folder = private_folder(home.root / "tenant" / source_id)
    _empty(folder)  # of a run that was killed
    try:
        yield folder
    finally:
        _empty(folder)
        folder.rmdir()


def _empty(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir():
            path.rmdir()
        else:
            path.unlink()

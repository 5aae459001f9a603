"""Brightspace Data Sets: whole tables of a tenant as zips with one CSV, downloaded over the API and read by DuckDB.

A full extract holds everything, a differential what is new or changed since the one before; what was deleted for good
is missing from the next full. Source: D2L's Data Hub pages.
"""

import csv
import os
import shutil
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import duckdb
import requests

from roster_pipeline.brightspace.connection import ApiConnection
from roster_pipeline.brightspace.data_set_schemas import Schema
from roster_pipeline.brightspace.errors import BrightspaceError, NotAllowedError, NotFoundError, UnavailableError
from roster_pipeline.brightspace.models import parse_time
from roster_pipeline.brightspace.paging import data_set_list, object_list
from roster_pipeline.home import PRIVATE_FILE, private_folder

Kind = Literal["Full", "Differential"]

_CHUNK = 1 << 20
#: How often a download that breaks off is begun again.
_DOWNLOADS = 4
#: A CSV that packs better than this is no roster but an attack.
_LARGEST_RATIO = 1000
_DIFFERENTIAL = " Differential"


class DataSetError(BrightspaceError):
    """A data set cannot be had or read."""


@dataclass(frozen=True)
class Extract:
    """One zip that can be downloaded."""

    name: str
    """Of the data set, without the word Differential."""
    kind: Kind
    created: datetime
    url: str


@dataclass(frozen=True)
class LoadedDataSet:
    """What a load did."""

    table: str
    rows: int
    as_of: datetime
    """When the newest extract in it was made, UTC."""
    full_as_of: datetime
    """When the full extract was made, UTC: what was deleted for good since then is still in it."""
    missing_columns: tuple[str, ...]
    """Optional columns that the tenant's schema version does not have; they are NULL."""


class DataHub:
    """The data sets that a tenant offers."""

    def __init__(self, connection: ApiConnection) -> None:
        self._connection = connection

    def extracts(self, name: str) -> list[Extract]:
        """The extracts of a data set, newest first. Raises DataSetError where the tenant has no such set."""
        try:
            found = list(self._extracts(name))
        except (NotAllowedError, NotFoundError):
            # Applications with the older scopes see the older list only.
            found = list(self._older_extracts(name))
        if not found:
            raise DataSetError(
                f"{self._connection.url} offers no data set {name!r}. Switch it on in the Data Hub, and give the "
                "service user's role the permission Can access Brightspace Data Sets."
            )
        return sorted(found, key=lambda extract: extract.created, reverse=True)

    def latest(self, name: str) -> list[Extract]:
        """What makes up the present state: the newest full extract, then the differentials since, oldest first."""
        extracts = self.extracts(name)
        full = next((extract for extract in extracts if extract.kind == "Full"), None)
        if full is None:
            raise DataSetError(f"{self._connection.url} has no full extract of {name!r} yet; the first comes by night.")
        since = [each for each in extracts if each.kind == "Differential" and each.created > full.created]
        return [full, *reversed(since)]

    def download(self, extract: Extract, folder: Path) -> Path:
        """The extract's CSV, unpacked into `folder` in a private file. Raises DataSetError, UnavailableError."""
        place = f"{extract.name.replace(' ', '')}-{extract.kind}-{extract.created:%Y%m%dT%H%M%S%f}"
        packed, unpacked = private_folder(folder) / f"{place}.zip", folder / f"{place}.csv"
        try:
            self._save(extract, packed)
            _unpack(packed, unpacked, extract)
        finally:
            packed.unlink(missing_ok=True)
        return unpacked

    def _save(self, extract: Extract, path: Path) -> None:
        for attempt in range(1, _DOWNLOADS + 1):
            try:
                with self._connection.stream(extract.url) as response, _new_private_file(path) as file:
                    for chunk in response.iter_content(_CHUNK):
                        file.write(chunk)
            except requests.RequestException as error:
                if attempt == _DOWNLOADS:
                    raise UnavailableError(
                        f"{extract.name} {extract.kind}: the download breaks off ({type(error).__name__}). Try later."
                    ) from None
            else:
                return

    def load(self, schema: Schema, connection: duckdb.DuckDBPyConnection, table: str, folder: Path) -> LoadedDataSet:
        """Replace `table` by the present state of a data set; `folder` holds the files in between, which are removed.

        Raises DataSetError.
        """
        extracts = self.latest(schema.name)
        paths: list[Path] = []
        try:
            for extract in extracts:
                paths.append(self.download(extract, folder))  # noqa: PERF401 - those before a failure are removed too
            rows, missing = load_files(schema, connection, table, paths)
        finally:
            for path in paths:
                path.unlink(missing_ok=True)
        return LoadedDataSet(table, rows, extracts[-1].created, extracts[0].created, missing)

    def _extracts(self, name: str) -> Iterator[Extract]:
        for data_set in object_list(self._connection, "lp", "/datasets/bds"):
            for kind in ("Full", "Differential"):
                plugin = data_set.get(kind)
                if plugin and plugin["Name"].removesuffix(_DIFFERENTIAL) == name:
                    path = f"/datasets/bds/{data_set['SchemaId']}/plugins/{plugin['PluginId']}/extracts"
                    for extract in object_list(self._connection, "lp", path):
                        yield Extract(name, kind, _created(extract), extract["DownloadLink"])

    def _older_extracts(self, name: str) -> Iterator[Extract]:
        for data_set in data_set_list(self._connection, "/dataExport/bds"):
            if data_set["Name"].removesuffix(_DIFFERENTIAL) != name:
                continue
            kind: Kind = "Full" if data_set["FullDataSet"] else "Differential"
            previous: list[Any] = data_set.get("PreviousDataSets") or []
            for each in [data_set, *previous]:
                if each.get("DownloadLink"):
                    yield Extract(name, kind, _created(each), each["DownloadLink"])


def load_files(
    schema: Schema, connection: duckdb.DuckDBPyConnection, table: str, paths: Sequence[Path]
) -> tuple[int, tuple[str, ...]]:
    """Replace `table` by the state that a full extract's CSV and the differentials after it make up, oldest first.

    Columns are those of the schema, in its names; times are UTC. Gives the number of rows and the optional columns
    that no file has. Raises DataSetError.
    """
    headers = [_header(path) for path in paths]
    for path, header in zip(paths, headers, strict=True):
        lacking = [column.source for column in schema.columns if column.required and column.source not in header]
        if lacking:
            raise DataSetError(
                f"{path.name}: data set {schema.name!r} has no column {', '.join(lacking)}. "
                "D2L has changed it; this version of the pipeline cannot read it."
            )
    rows = [
        _sql(
            "rows",
            columns=", ".join(column.sql(present=column.source in header) for column in schema.columns),
            place=str(place),
            path=_text(str(path)),
            header="{" + ", ".join(f"{_text(name)}: 'VARCHAR'" for name in header.values()) + "}",
        )
        for place, (path, header) in enumerate(zip(paths, headers, strict=True))
    ]
    names = {column.name for column in schema.columns}
    newest = [name for name in ("version", "row_version", "last_modified") if name in names]
    statement = _sql(
        "latest",
        table=table,
        rows="\nUNION ALL BY NAME\n".join(rows),
        key=", ".join(schema.key),
        key_is_whole=" AND ".join(f"{name} IS NOT NULL" for name in schema.key),
        order_by=" ".join(f"{name} DESC NULLS LAST," for name in newest),
    )
    try:
        connection.execute(statement)
    except duckdb.InvalidInputException:
        # DuckDB's message quotes the row.
        names_ = ", ".join(path.name for path in paths)
        raise DataSetError(f"{names_}: data set {schema.name!r} is no well-formed CSV. Load it again.") from None
    counted = int(connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0])
    missing = [column.source for column in schema.columns if not any(column.source in header for header in headers)]
    return counted, tuple(missing)


class _Header(dict[str, str]):
    """Column names of a file, as they stand there, found in any letter case."""

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__({name.casefold(): name for name in names})

    def __contains__(self, name: object) -> bool:
        return super().__contains__(str(name).casefold())


def _header(path: Path) -> _Header:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return _Header(next(csv.reader(file), list[str]()))


def _unpack(packed: Path, unpacked: Path, extract: Extract) -> None:
    try:
        with zipfile.ZipFile(packed) as archive:
            members = archive.infolist()
            if len(members) != 1:
                raise DataSetError(f"{extract.name} {extract.kind}: {len(members)} files in the zip instead of one CSV")
            [member] = members
            if member.file_size > _LARGEST_RATIO * max(member.compress_size, 1):
                raise DataSetError(f"{extract.name} {extract.kind}: the zip would unpack to {member.file_size} bytes")
            with archive.open(member) as source, _new_private_file(unpacked) as file:
                shutil.copyfileobj(source, file, _CHUNK)
    except (zipfile.BadZipFile, EOFError):
        unpacked.unlink(missing_ok=True)
        raise DataSetError(f"{extract.name} {extract.kind}: the download is no whole zip. Try again.") from None


def _new_private_file(path: Path) -> Any:
    with suppress(FileNotFoundError):
        path.unlink()
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE), "wb")


def _created(block: Any) -> datetime:
    created = parse_time(block["CreatedDate"])
    if created is None:
        raise DataSetError("an extract without a date of creation")
    return created


def _sql(name: str, **parts: str) -> str:
    text = resources.files("roster_pipeline.brightspace").joinpath(f"sql/data_sets/{name}.sql").read_text("utf-8")
    return text.format(**parts)


def _text(value: str) -> str:
    escaped = value.replace("'", "''")
    return f"'{escaped}'"

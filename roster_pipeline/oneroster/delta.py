"""Packages that hold changes only: laid over the last whole state, so that every snapshot is a whole state."""

import shutil
from pathlib import Path

import duckdb

from roster_pipeline.oneroster.extract import ExtractError
from roster_pipeline.oneroster.raw_parquet import becoming, raw_path
from roster_pipeline.oneroster.resources import Resource
from roster_pipeline.oneroster.sql_files import escaped, statement


def apply_delta(
    database: duckdb.DuckDBPyConnection, resource: Resource, previous_snapshot: Path | None, snapshot: Path, place: str
) -> int:
    """Replace the delta in `snapshot` by the whole state it leads to; answers with the rows of that.

    `previous_snapshot` is the folder of the last whole state; `place` is what messages call the package. Laying the
    same delta over its own result changes nothing. Raises ExtractError when there is no state to lay it over.
    """
    previous = previous_state(resource, previous_snapshot)
    if previous is None:
        raise ExtractError(
            f"{place}: file.{resource.name}: delta holds changes only, and there is no earlier whole extract of "
            f"{resource.name} to apply them to. Have the SIS send one package with file.{resource.name} as bulk first."
        )
    path = raw_path(snapshot, resource)
    with becoming(path) as partial, database.cursor() as cursor:
        cursor.execute(statement("merge_delta", previous=previous, delta=path, target=partial))
        return count_rows(cursor, partial)


def carry_over(
    database: duckdb.DuckDBPyConnection, resource: Resource, previous_snapshot: Path | None, snapshot: Path
) -> int | None:
    """Keep the last whole state of a resource that is absent from a package; None where there is none."""
    previous = previous_state(resource, previous_snapshot)
    if previous is None:
        return None
    path = raw_path(snapshot, resource)
    with becoming(path) as partial:
        shutil.copyfile(previous, partial)
    with database.cursor() as cursor:
        return count_rows(cursor, path)


def previous_state(resource: Resource, previous_snapshot: Path | None) -> Path | None:
    """The resource's file in the last whole state, if there is one."""
    if previous_snapshot is None:
        return None
    path = raw_path(previous_snapshot, resource)
    return path if path.is_file() else None


def count_rows(cursor: duckdb.DuckDBPyConnection, path: Path) -> int:
    """Rows of a Parquet file, from its footer."""
    found = cursor.execute(f"SELECT count(*) FROM read_parquet('{escaped(str(path))}')").fetchall()
    return int(found[0][0])

"""Reads a gradebook from three CSV files: the way in for any gradebook that can write them."""

import csv
from importlib import resources
from pathlib import Path
from string import Template

import duckdb

from roster_pipeline.grades.gradebook import COLUMNS, GradebookError, UnreadableRow
from roster_pipeline.warehouse.literal import literal

#: A file with more unreadable rows than this is not the CSV it claims to be.
MAX_UNREADABLE = 1000


def read_files(source: Path, target: Path) -> list[UnreadableRow]:
    """Turn `source`'s three CSV files into Parquet files in `target`; answers with the rows that fit no column.

    UTF-8, comma, a header with the columns of COLUMNS in any order; more columns are ignored. Raises GradebookError.
    """
    unreadable: list[UnreadableRow] = []
    with duckdb.connect() as database:
        for file, columns in COLUMNS.items():
            path = source / f"{file}.csv"
            header = _header(path, columns)
            statement = Template(_sql()).safe_substitute(
                columns=", ".join(f'nullif(trim("{name}"), \'\') AS "{name}"' for name in columns),
                cells="{" + ", ".join(f"'{name}': 'VARCHAR'" for name in header) + "}",
                source=literal(path),
                target=literal(target / f"{file}.parquet"),
                file=file,
                limit=MAX_UNREADABLE + 1,
            )
            _read(database, statement, path, file)
            rejected = database.execute(f"SELECT DISTINCT line, error_type::VARCHAR FROM rejects_{file} ORDER BY line")
            rows = [UnreadableRow(file, line, why.lower()) for line, why in rejected.fetchall()]
            if len(rows) > MAX_UNREADABLE:
                raise GradebookError(
                    f"{path}: more than {MAX_UNREADABLE} rows do not fit the header, the first in line {rows[0].line}. "
                    "Write the file as comma-separated values with double quotes around text that holds commas."
                )
            unreadable += rows
    return unreadable


def _read(database: duckdb.DuckDBPyConnection, statement: str, path: Path, file: str) -> None:
    # Strictly first. DuckDB's strict reader gives up on line ends of two kinds, which people's tools do mix.
    for strict in ("true", "false"):
        database.execute(f"DROP TABLE IF EXISTS rejects_{file}")
        database.execute(f"DROP TABLE IF EXISTS rejects_{file}_scan")
        try:
            database.execute(statement.replace("$strict", strict))
        except duckdb.Error as error:
            reason = str(error).splitlines()[0][:160]
        else:
            return
    raise GradebookError(f"{path}: cannot be read as CSV ({reason}). Write the file again.")


def _header(path: Path, needed: tuple[str, ...]) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = [name.strip().lower() for name in next(csv.reader(file), [])]
    except FileNotFoundError:
        raise GradebookError(
            f"{path}: there is no such file. Write it, or correct grade_export.gradebook.path."
        ) from None
    except UnicodeDecodeError:
        raise GradebookError(f"{path}: is not UTF-8. Write it in UTF-8.") from None
    missing = [name for name in needed if name not in header]
    if missing:
        raise GradebookError(f"{path}: the header lacks {', '.join(missing)}. Add the columns, empty where unknown.")
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated:
        raise GradebookError(f"{path}: the header has {', '.join(repeated)} more than once. Keep one of each.")
    return [name.replace("'", "") or f"unnamed_{position}" for position, name in enumerate(header)]


def _sql() -> str:
    return resources.files("roster_pipeline.grades").joinpath("sql/read_csv.sql").read_text("utf-8")

"""The way into the pipeline's own DuckDB file: one writer at a time, short transactions, a published copy.

DuckDB lets one process write a file and refuses every other one meanwhile, so whoever wants in takes a lock
file first. The operating system releases it when a process dies, however it dies. No connection is open
while another system is talked to.
"""

import errno
import hashlib
import os
import random
import shutil
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any, LiteralString, NamedTuple

import duckdb
from filelock import FileLock

from roster_pipeline.home import PRIVATE_FILE, Home, private_folder, sync_folder
from roster_pipeline.warehouse.catalogue import SCHEMAS, Table, tables

#: How long to wait for another step's transaction, seconds; the longest one seen takes a few minutes.
LOCK_TIMEOUT = 3600.0
#: How long to go on trying when a program that does not know the lock file has the database open, seconds.
FOREIGN_LOCK_TIMEOUT = 120.0
#: What DuckDB may use before it spills to disk; ROSTER_MEMORY_LIMIT overrides it.
MEMORY_LIMIT = "1GiB"

#: The rows of the session's source and school year.
_PARTITION = "source_id = getvariable('source_id') AND school_year = getvariable('school_year')"


class WarehouseError(Exception):
    """The warehouse cannot be used. The message names the file and the remedy."""


class Fingerprint(NamedTuple):
    """What tells two sets of rows apart, whatever their order."""

    rows: int
    total: int
    """Of the rows' digests."""


class Session:
    """A connection with one transaction, for one source system and school year."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, source_id: str, school_year: str) -> None:
        self.connection = connection
        self.source_id = source_id
        self.school_year = school_year
        self._has_begun = False
        self.set_variables(source_id=source_id, school_year=school_year)

    def begin(self) -> None:
        """Begin the transaction, unless it has begun: what is written from here on happens as a whole or not at all."""
        if not self._has_begun:
            self.connection.execute("BEGIN")
            self._has_begun = True

    def commit(self) -> None:
        """Make what was written last."""
        if self._has_begun:
            self.connection.execute("COMMIT")

    def set_variables(self, **values: Any) -> None:
        """Make settings readable in SQL files as `getvariable('name')`."""
        for name, value in values.items():
            self.connection.execute(f"SET VARIABLE {name} = $value", {"value": value})

    def execute(self, query: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Run a statement and return its rows."""
        return self.connection.execute(query, dict(parameters or {})).fetchall()

    def value(self, query: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """The single value of a query."""
        return self.execute(query, parameters)[0][0]

    def run_file(self, name: LiteralString) -> None:
        """Run the statements of `sql/<name>.sql`."""
        self.connection.execute(sql_text(name))

    def create_temporary(self, table: str, name: LiteralString) -> None:
        """Keep the result of the query in `sql/<name>.sql` as a temporary table."""
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS {sql_text(name)}")

    def replace_partition(self, table: str, query: str, row_id: str | None = None) -> int:
        """Make the rows of this source and school year in `table` those of `query`; returns their number.

        The query yields the table's columns without `source_id` and `school_year`, by name. Only rows that differ
        are written, and a partition that would not change is not touched. Where the query yields a column `row_id`
        besides, which tells its rows apart, it is read anew as often as needed: a copy costs more than selecting.
        """
        self.begin()
        columns = _content_columns(table)
        known = self._noted_fingerprint(table)
        if known.rows == 0:
            self._rewrite(table, columns, f"({query})")
            state = self._fingerprint(table, columns)
        else:
            kind = "VIEW" if row_id else "TABLE"
            self.execute(f"CREATE OR REPLACE TEMP {kind} replacement AS {query}")
            written = self._write_differences(table, columns, row_id or "rowid", known)
            if written is None:
                self._rewrite(table, columns, "replacement")
            state = written or self._fingerprint(table, columns)
            self.execute(f"DROP {kind} replacement")
        if state != known:
            self._note_fingerprint(table, state)
        return state.rows

    def _write_differences(self, table: str, columns: list[str], row_id: str, known: Fingerprint) -> Fingerprint | None:
        """Write the rows of `replacement` that differ; None where writing them all is better, and nothing was done."""
        wanted: int = self.value("SELECT count(*) FROM replacement")
        if wanted < known.rows / 2:
            return None
        # DuckDB's hash alone is no proof: ids that differ in two places can share it, pupil-50|class-19 and
        # pupil-59|class-29 for instance. The digest decides.
        row = (
            f"hash({_quoted(columns)}) AS row_hash, md5_number_lower(concat_ws(chr(31), {_quoted(columns)})) AS digest"
        )
        self.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE differences AS
            SELECT
                count(kept.row_id) FILTER (added.row_id IS NOT NULL) AS matches,
                coalesce(list(kept.row_id) FILTER (added.row_id IS NULL), []) AS gone,
                coalesce(list(added.row_id) FILTER (kept.row_id IS NULL), []) AS added,
                coalesce(sum(added.digest::HUGEINT) FILTER (kept.row_id IS NULL), 0)
                - coalesce(sum(kept.digest::HUGEINT) FILTER (added.row_id IS NULL), 0) AS change
            FROM (SELECT rowid AS row_id, {row} FROM {table} WHERE {_PARTITION}) AS kept
            FULL JOIN (SELECT {row_id} AS row_id, {row} FROM replacement) AS added
                ON kept.row_hash = added.row_hash AND kept.digest = added.digest
            """
        )
        matches, gone, added, change = self.execute("SELECT matches, len(gone), len(added), change FROM differences")[0]
        # Rows that are equal to each other match more than once and cannot be told apart by their hashes.
        is_one_to_one = matches == known.rows - gone == wanted - added
        if not is_one_to_one or gone > known.rows / 2:
            return None
        if gone:
            self.execute(f"DELETE FROM {table} WHERE {_PARTITION} AND rowid IN (SELECT unnest(gone) FROM differences)")
        if added:
            self._insert(
                table, columns, f"(FROM replacement WHERE {row_id} IN (SELECT unnest(added) FROM differences))"
            )
        self.execute("DROP TABLE differences")
        return Fingerprint(wanted, known.total + change)

    def _rewrite(self, table: str, columns: list[str], relation: str) -> None:
        self.execute(f"DELETE FROM {table} WHERE {_PARTITION}")
        self._insert(table, columns, relation)

    def _insert(self, table: str, columns: list[str], relation: str) -> None:
        self.execute(
            f"INSERT INTO {table} (source_id, school_year, {_quoted(columns)}) "
            f"SELECT getvariable('source_id'), getvariable('school_year'), {_quoted(columns)} FROM {relation}"
        )

    def _noted_fingerprint(self, table: str) -> Fingerprint:
        noted = self.execute(
            f"SELECT rows, fingerprint::HUGEINT FROM sync.fingerprints WHERE {_PARTITION} AND table_name = $table",
            {"table": table},
        )
        return Fingerprint(*noted[0]) if noted else Fingerprint(0, 0)

    def _note_fingerprint(self, table: str, state: Fingerprint) -> None:
        self.execute(f"DELETE FROM sync.fingerprints WHERE {_PARTITION} AND table_name = $table", {"table": table})
        self.execute(
            "INSERT INTO sync.fingerprints VALUES "
            "(getvariable('source_id'), getvariable('school_year'), $table, $rows, $total::VARCHAR)",
            {"table": table, "rows": state.rows, "total": state.total},
        )

    def fingerprint(self, table: str) -> str:
        """Order-independent hash of this source's and year's rows of a table, as `replace_partition` wrote them."""
        state = self._noted_fingerprint(table)
        return f"{state.rows}-{state.total}"

    def _fingerprint(self, table: str, columns: list[str]) -> Fingerprint:
        rows, total = self.execute(
            f"SELECT count(*), sum({_digest(columns)}::HUGEINT) FROM {table} WHERE {_PARTITION}"
        )[0]
        return Fingerprint(rows, total or 0)


def _content_columns(table: str) -> list[str]:
    return [name for name in tables()[table].column_names if name not in {"source_id", "school_year"}]


def _digest(columns: list[str]) -> str:
    """SQL for a number that tells rows apart; with `hash` beside it, also where only a NULL makes the difference.

    DuckDB's own hash alone is no proof: `pupil-50|course_offering:class-19` and `pupil-59|course_offering:class-29`
    share it.
    """
    return f"md5_number_lower(concat_ws(chr(31), {_quoted(columns)}))"


def _quoted(columns: list[str]) -> str:
    return ", ".join(f'"{column}"' for column in columns)


class Warehouse:
    """`warehouse/pipeline.duckdb`, which the pipeline writes, and `roster.duckdb`, the copy for analysts."""

    def __init__(self, home: Home) -> None:
        self.path = home.warehouse / "pipeline.duckdb"
        self.published_path = home.warehouse / "roster.duckdb"
        self._temporary = home.warehouse / "tmp"
        self._lock_path = home.locks / "warehouse.lock"

    @contextmanager
    def transaction(self, source_id: str, school_year: str, *, begins: bool = True) -> Generator[Session]:
        """A session whose writes all happen, or none.

        With `begins` false the transaction begins at `Session.begin`, and until then only temporary tables may be
        made. DuckDB does not count the rows that a running transaction adds: it takes such a table for empty, and
        joins it the wrong way round.

        Raises WarehouseError when the file stays locked, or memory or the disk is full.
        """
        with self._connection() as connection, self._no_room_told():
            session = Session(connection, source_id, school_year)
            if begins:
                session.begin()
            # Whatever goes wrong in between, closing the connection without COMMIT leaves nothing of it.
            yield session
            session.commit()

    def publish(self) -> None:
        """Replace the analysts' copy by the state now. Open sessions keep the copy they opened.

        Raises WarehouseError when the file stays locked or the disk is full; the copy stays as it was.
        """
        with self._locked(), self._no_room_told():
            with self._open() as connection:
                connection.execute("CHECKPOINT")
            for left in self.published_path.parent.glob(f"{self.published_path.stem}.*.tmp"):
                left.unlink()  # of a process that died while it copied: nobody else is here
            temporary = self.published_path.with_suffix(f".{os.getpid()}.tmp")
            try:
                shutil.copyfile(self.path, temporary)
                temporary.chmod(PRIVATE_FILE)
                with temporary.open("rb+") as file:
                    os.fsync(file.fileno())
                temporary.replace(self.published_path)
            finally:
                temporary.unlink(missing_ok=True)
            sync_folder(self.published_path.parent)

    @contextmanager
    def _no_room_told(self) -> Generator[None]:
        """Say what to do where memory or the disk is full."""
        try:
            yield
        except duckdb.OutOfMemoryException as error:
            raise WarehouseError(
                f"The district needs more memory than DuckDB may use, {_memory_limit()}. {self.path} is unchanged. "
                "Set ROSTER_MEMORY_LIMIT to more, 4GiB for instance, and run again."
            ) from error
        except (duckdb.Error, OSError) as error:
            if _says_no_room(error):
                raise WarehouseError(
                    f"There is no room on the disk: {error}. {self.path} is unchanged. Make room and run again."
                ) from error
            raise

    @contextmanager
    def _connection(self) -> Generator[duckdb.DuckDBPyConnection]:
        with self._locked(), self._open() as connection:
            yield connection

    @contextmanager
    def _locked(self) -> Generator[None]:
        private_folder(self._lock_path.parent)
        private_folder(self.path.parent)
        with FileLock(self._lock_path, timeout=LOCK_TIMEOUT, mode=PRIVATE_FILE):
            yield

    def _open(self) -> duckdb.DuckDBPyConnection:
        settings: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": _memory_limit(),
            "temp_directory": str(private_folder(self._temporary)),
            # Feed order is a column of ours; without this DuckDB keeps whole results in memory to keep their order.
            "preserve_insertion_order": "false",
        }
        if threads := os.environ.get("ROSTER_THREADS"):  # of all processors by default
            settings["threads"] = threads
        deadline = time.monotonic() + FOREIGN_LOCK_TIMEOUT
        while True:
            try:
                connection = duckdb.connect(str(self.path), config=settings)
                break
            except duckdb.IOException as error:
                if "lock" not in str(error).lower() or time.monotonic() > deadline:
                    raise WarehouseError(
                        f"{self.path} cannot be opened: {error}. Close the program that has it open; "
                        f"analysts open {self.published_path.name} instead."
                    ) from error
                time.sleep(random.uniform(0.1, 0.5))  # noqa: S311 - spreads retries, guards nothing
        self.path.chmod(PRIVATE_FILE)
        _ensure_schema(connection)
        return connection


def _says_no_room(error: duckdb.Error | OSError) -> bool:
    """Whether a disk is full, or a quota or the largest size of a file is reached."""
    codes = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    if isinstance(error, OSError):
        return error.errno in codes
    return any(os.strerror(code) in str(error) for code in codes)


def _memory_limit() -> str:
    return os.environ.get("ROSTER_MEMORY_LIMIT") or MEMORY_LIMIT


def sql_text(name: str) -> str:
    """The text of `sql/<name>.sql`."""
    return resources.files("roster_pipeline.warehouse").joinpath(f"sql/{name}.sql").read_text("utf-8")


def read_only(path: Path) -> duckdb.DuckDBPyConnection:
    """Open a published warehouse as an analyst does."""
    return duckdb.connect(str(path), read_only=True)


def _ensure_schema(connection: duckdb.DuckDBPyConnection) -> None:
    """Create what is missing: a new warehouse, or tables and columns that came with a new release."""
    wanted = _schema_fingerprint()
    if connection.execute("FROM duckdb_tables() WHERE table_name = 'fingerprints'").fetchall():
        current = connection.execute("SELECT fingerprint FROM sync.fingerprints WHERE table_name = 'catalogue'")
        if current.fetchall() == [(wanted,)]:
            return
    connection.execute("BEGIN")
    for schema in SCHEMAS:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    for table in tables().values():
        _add_missing_columns(connection, table)
        for statement in table.create_statements():
            connection.execute(statement)
    connection.execute("DELETE FROM sync.fingerprints WHERE table_name = 'catalogue'")
    connection.execute("INSERT INTO sync.fingerprints VALUES ('', '', 'catalogue', NULL, $wanted)", {"wanted": wanted})
    connection.execute("COMMIT")


def _add_missing_columns(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    existing = {
        name
        for (name,) in connection.execute(
            "SELECT column_name FROM duckdb_columns() WHERE schema_name = $schema AND table_name = $name",
            {"schema": table.schema, "name": table.name},
        ).fetchall()
    }
    for column in table.columns if existing else ():
        if column.name not in existing:
            connection.execute(f'ALTER TABLE {table.full_name} ADD COLUMN "{column.name}" {column.type}')


def _schema_fingerprint() -> str:
    statements = [statement for table in tables().values() for statement in table.create_statements()]
    return hashlib.sha256("\n".join(statements).encode()).hexdigest()

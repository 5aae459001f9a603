"""Work in the pipeline's own database: short transactions, partitions replaced as a whole, a published copy.

No transaction is open while another system is talked to.
"""

import errno
import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any, LiteralString, NamedTuple

import duckdb

from roster_pipeline.home import Home, copy_privately, sync_folder
from roster_pipeline.warehouse.catalogue import TEXT_TYPES, tables
from roster_pipeline.warehouse.database import Database, WarehouseError, memory_limit

#: The rows of the session's source and school year.
_PARTITION = "source_id = getvariable('source_id') AND school_year = getvariable('school_year')"


class Fingerprint(NamedTuple):
    """What tells two sets of rows apart, whatever their order."""

    rows: int
    total: int
    """Of the rows' hashes."""


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
            state = self._fingerprint(table)
        else:
            kind = "VIEW" if row_id else "TABLE"
            self.execute(f"CREATE OR REPLACE TEMP {kind} replacement AS {query}")
            written = self._write_differences(table, columns, row_id or "rowid", known)
            if written is None:
                self._rewrite(table, columns, "replacement")
            state = written or self._fingerprint(table)
            self.execute(f"DROP {kind} replacement")
        if state != known:
            self._note_fingerprint(table, state)
        return state.rows

    def _write_differences(self, table: str, columns: list[str], row_id: str, known: Fingerprint) -> Fingerprint | None:
        """Write the rows of `replacement` that differ; None where writing them all is better, and nothing was done."""
        wanted: int = self.value("SELECT count(*) FROM replacement")
        if wanted < known.rows / 2:
            return None
        first, second = _row_hashes(table)
        row = f"{first} AS first_hash, {second} AS second_hash"
        self.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE differences AS
            SELECT
                count(kept.row_id) FILTER (added.row_id IS NOT NULL) AS matches,
                coalesce(list(kept.row_id) FILTER (added.row_id IS NULL), []) AS gone,
                coalesce(list(added.row_id) FILTER (kept.row_id IS NULL), []) AS added,
                coalesce(sum(hash(added.first_hash, added.second_hash)::HUGEINT) FILTER (kept.row_id IS NULL), 0)
                - coalesce(sum(hash(kept.first_hash, kept.second_hash)::HUGEINT) FILTER (added.row_id IS NULL), 0)
                    AS change
            FROM (SELECT rowid AS row_id, {row} FROM {table} WHERE {_PARTITION}) AS kept
            FULL JOIN (SELECT {row_id} AS row_id, {row} FROM replacement) AS added
                ON kept.first_hash = added.first_hash AND kept.second_hash = added.second_hash
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

    def _fingerprint(self, table: str) -> Fingerprint:
        rows, total = self.execute(
            f"SELECT count(*), sum(hash({', '.join(_row_hashes(table))})::HUGEINT) FROM {table} WHERE {_PARTITION}"
        )[0]
        return Fingerprint(rows, total or 0)


def _content_columns(table: str) -> list[str]:
    return [column.name for column in tables()[table].content]


def _row_hashes(table: str) -> tuple[str, str]:
    """SQL for two numbers of a row; rows are equal where both are.

    DuckDB's hash alone is no proof. It takes texts in blocks of eight bytes, and a difference at the end of one block
    can cancel a difference at the end of another: `pupil-50|course_offering:class-19` and
    `pupil-59|course_offering:class-29` share it. In the second hash every text is four bytes further on, so that what
    ends a block in one of the two is mixed through the whole number in the other.
    """
    moved = [
        f"'text' || \"{column.name}\"::VARCHAR" if column.type in TEXT_TYPES else f'"{column.name}"'
        for column in tables()[table].content
    ]
    return f"hash({_quoted(_content_columns(table))})", f"hash({', '.join(moved)})"


def _quoted(columns: list[str]) -> str:
    return ", ".join(f'"{column}"' for column in columns)


class Warehouse:
    """`warehouse/pipeline.duckdb`, which the pipeline writes, and `roster.duckdb`, the copy for analysts."""

    def __init__(self, home: Home) -> None:
        self._database = Database(home)
        self.path = self._database.path
        self.published_path = home.warehouse / "roster.duckdb"

    @contextmanager
    def transaction(
        self, source_id: str, school_year: str, *, begins: bool = True, stays_open: bool = False
    ) -> Generator[Session]:
        """A session whose writes all happen, or none.

        With `begins` false the transaction begins at `Session.begin`, and until then only temporary tables may be
        made. DuckDB does not count the rows that a running transaction adds: it takes such a table for empty, and
        joins it the wrong way round. `stays_open` is for a step that the next one follows at once, without a word to
        another system in between.

        Raises WarehouseError when the file stays locked, or memory or the disk is full.
        """
        with self._database.connection(stays_open=stays_open) as connection, self._no_room_told():
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
        with self._no_room_told(), self._database.at_rest():
            for left in self.published_path.parent.glob(f"{self.published_path.stem}.*.tmp"):
                left.unlink()  # of a process that died while it copied: nobody else is here
            temporary = self.published_path.with_suffix(f".{os.getpid()}.tmp")
            try:
                copy_privately(self.path, temporary)
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
                f"The district needs more memory than DuckDB may use, {memory_limit()}. {self.path} is unchanged. "
                "Set ROSTER_MEMORY_LIMIT to more, 4GiB for instance, and run again."
            ) from error
        except (duckdb.Error, OSError) as error:
            if _says_no_room(error):
                raise WarehouseError(
                    f"There is no room on the disk: {error}. {self.path} is unchanged. Make room and run again."
                ) from error
            raise


def _says_no_room(error: duckdb.Error | OSError) -> bool:
    """Whether a disk is full, or a quota or the largest size of a file is reached."""
    codes = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    if isinstance(error, OSError):
        return error.errno in codes
    return any(os.strerror(code) in str(error) for code in codes)


def sql_text(name: str) -> str:
    """The text of `sql/<name>.sql`."""
    return resources.files("roster_pipeline.warehouse").joinpath(f"sql/{name}.sql").read_text("utf-8")


def read_only(path: Path) -> duckdb.DuckDBPyConnection:
    """Open a published warehouse as an analyst does."""
    return duckdb.connect(str(path), read_only=True)

"""The pipeline's DuckDB file: one process at a time, and open a moment longer for the step that comes next.

DuckDB lets one process write a file and refuses every other one meanwhile, so whoever wants in takes a lock
file first. The operating system releases it when a process dies, however it dies.
"""

import atexit
import hashlib
import os
import random
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
from filelock import FileLock, Timeout

from roster_pipeline.home import PRIVATE_FILE, Home, private_folder
from roster_pipeline.warehouse.catalogue import SCHEMAS, Table, tables

#: How long to wait for another step's transaction, seconds; the longest one seen takes a few minutes.
LOCK_TIMEOUT = 3600.0
#: How long to go on trying when a program that does not know the lock file has the database open, seconds.
FOREIGN_LOCK_TIMEOUT = 120.0
#: How long a file that was left open for the next step waits for it, seconds.
NEXT_STEP_TIMEOUT = 1.0
#: What DuckDB may use before it spills to disk; ROSTER_MEMORY_LIMIT overrides it.
MEMORY_LIMIT = "1GiB"

#: Of the environment, handed to DuckDB as they are.
_VARIABLES = ("ROSTER_MEMORY_LIMIT", "ROSTER_THREADS")


class WarehouseError(Exception):
    """The warehouse cannot be used. The message names the file and the remedy."""


def memory_limit() -> str:
    """What DuckDB may use before it spills to disk."""
    return os.environ.get("ROSTER_MEMORY_LIMIT") or MEMORY_LIMIT


@dataclass(frozen=True, eq=False)
class _OpenFile:
    connection: duckdb.DuckDBPyConnection
    lock: FileLock

    def close(self) -> None:
        try:
            self.connection.close()
        finally:
            self.lock.release()


class _LeftOpen:
    """What steps of this process left open for the next ones, by path."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._files: dict[Path, tuple[_OpenFile, threading.Timer]] = {}
        atexit.register(self._close_all)

    def leave(self, path: Path, file: _OpenFile) -> None:
        timer = threading.Timer(NEXT_STEP_TIMEOUT, self._expire, (path,))
        timer.daemon = True
        with self._guard:
            self._files[path] = file, timer
            timer.start()

    def take(self, path: Path) -> _OpenFile | None:
        with self._guard:
            file, timer = self._files.pop(path, (None, None))
        if timer:
            timer.cancel()
        return file

    def _expire(self, path: Path) -> None:
        with self._guard:
            file, timer = self._files.get(path, (None, None))
            if timer is not threading.current_thread():
                return  # taken at the last moment, and perhaps left again
            del self._files[path]
        if file:
            file.close()

    def _close_all(self) -> None:
        for path in list(self._files):
            if file := self.take(path):
                file.close()


_left_open = _LeftOpen()


class Database:
    """The file that the pipeline writes, and the way into it."""

    def __init__(self, home: Home) -> None:
        self.path = home.warehouse / "pipeline.duckdb"
        self._temporary = home.warehouse / "tmp"
        self._lock_path = home.locks / "warehouse.lock"

    @contextmanager
    def connection(self, *, stays_open: bool) -> Generator[duckdb.DuckDBPyConnection]:
        """A connection of its own, with its own temporary tables and variables.

        With `stays_open` the file stays open afterwards, and locked, for the next step of this process, but no longer
        than NEXT_STEP_TIMEOUT: what closing writes and what DuckDB has in memory would be paid for again. Raises
        WarehouseError when the file stays locked.
        """
        file = self._file()
        try:
            with file.connection.cursor() as connection:
                yield connection
        except BaseException:
            file.close()
            raise
        if stays_open:
            _left_open.leave(self.path, file)
        else:
            file.close()

    @contextmanager
    def at_rest(self) -> Generator[None]:
        """Hold the file closed, with all that was written in it. Raises WarehouseError when it stays locked."""
        file = self._file()
        try:
            file.connection.execute("CHECKPOINT")
            file.connection.close()
            yield
        finally:
            file.close()

    def _file(self) -> _OpenFile:
        if left_open := _left_open.take(self.path):
            return left_open
        private_folder(self._lock_path.parent)
        private_folder(self.path.parent)
        # Not of one thread: a file that nobody came back for is closed by another one.
        lock = FileLock(self._lock_path, timeout=LOCK_TIMEOUT, mode=PRIVATE_FILE, thread_local=False)
        try:
            lock.acquire()
        except Timeout:
            raise WarehouseError(
                f"{self.path} has been in use by another run for {LOCK_TIMEOUT / 60:.0f} minutes. See in the Dagster "
                "UI which one it is, let it end or terminate it, and run again."
            ) from None
        try:
            return _OpenFile(self._open(), lock)
        except BaseException:
            lock.release()
            raise

    def _open(self) -> duckdb.DuckDBPyConnection:
        settings: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": memory_limit(),
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
            except duckdb.ProgrammingError as error:
                values = [f"{name}={os.environ[name]}" for name in _VARIABLES if name in os.environ]
                if not values:
                    raise
                raise WarehouseError(
                    f"DuckDB does not understand {' or '.join(values)}: {error}. A memory limit looks like 4GiB, and "
                    "threads are a whole number from 1 on."
                ) from error
            except duckdb.IOException as error:
                if "lock" not in str(error).lower() or time.monotonic() > deadline:
                    raise WarehouseError(
                        f"{self.path} cannot be opened: {error}. Close the program that has it open; "
                        "analysts open roster.duckdb instead."
                    ) from error
                time.sleep(random.uniform(0.1, 0.5))  # noqa: S311 - spreads retries, guards nothing
        self.path.chmod(PRIVATE_FILE)
        # Kept instead of given back to the operating system after each statement, to be fetched anew for the next.
        connection.execute("SET block_allocator_memory = current_setting('memory_limit')")
        _ensure_schema(connection)
        return connection


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

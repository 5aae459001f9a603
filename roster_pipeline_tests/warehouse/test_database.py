"""The file stays open for the next step of the same process, for a moment, and for nobody else."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from roster_pipeline.home import Home
from roster_pipeline.warehouse import database
from roster_pipeline.warehouse.connection import Warehouse
from roster_pipeline.warehouse.database import WarehouseError


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    monkeypatch.setattr(database, "NEXT_STEP_TIMEOUT", 60.0)
    return Warehouse(Home(tmp_path))


def _is_locked(warehouse: Warehouse) -> bool:
    """Whether another process is refused."""
    code = f"import duckdb; duckdb.connect({str(warehouse.path)!r}, read_only=True)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0 or "lock" in done.stderr, done.stderr
    return done.returncode != 0


def _opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is opened from here on."""
    opened: list[str] = []
    connect: Callable[..., duckdb.DuckDBPyConnection] = duckdb.connect

    def counted(path: str, **settings: object) -> duckdb.DuckDBPyConnection:
        opened.append(path)
        return connect(path, **settings)

    monkeypatch.setattr(duckdb, "connect", counted)
    return opened


def _issue(warehouse: Warehouse, code: str, *, stays_open: bool) -> None:
    with warehouse.transaction("oak", "2026-2027", stays_open=stays_open) as session:
        session.execute("INSERT INTO sync.issues (source_id, code) VALUES ('oak', $code)", {"code": code})


def _fail(warehouse: Warehouse) -> None:
    with warehouse.transaction("oak", "2026-2027", stays_open=True) as session:
        session.execute("INSERT INTO sync.issues (source_id, code) VALUES ('oak', 'lost')")
        session.execute("FROM no_such_table")


def test_the_next_step_finds_the_file_open(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = _opened(monkeypatch)
    _issue(warehouse, "a", stays_open=True)
    _issue(warehouse, "b", stays_open=True)
    with warehouse.transaction("oak", "2026-2027") as session:
        assert session.execute("SELECT code FROM sync.issues ORDER BY code") == [("a",), ("b",)]
    assert opened == [str(warehouse.path)]
    assert not _is_locked(warehouse)


def test_nothing_of_a_session_reaches_the_next(warehouse: Warehouse) -> None:
    with warehouse.transaction("oak", "2026-2027", stays_open=True) as session:
        session.execute("CREATE TEMP TABLE findings (code VARCHAR)")
        session.execute("CREATE TEMP MACRO doubled(number) AS 2 * number")
        session.set_variables(kind="user")
    with warehouse.transaction("elm", "2025-2026") as session:
        assert session.value("SELECT getvariable('kind')") is None
        assert session.value("SELECT count(*) FROM duckdb_tables() WHERE temporary") == 0
        with pytest.raises(duckdb.CatalogException):
            session.execute("SELECT doubled(1)")


def test_a_file_that_nobody_comes_back_for_is_closed(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "NEXT_STEP_TIMEOUT", 0.2)
    _issue(warehouse, "a", stays_open=True)
    deadline = time.monotonic() + 20
    while _is_locked(warehouse):
        assert time.monotonic() < deadline
    # Another thread closed it; whoever comes now opens it anew.
    _issue(warehouse, "b", stays_open=False)


def test_it_stays_locked_while_it_is_open(warehouse: Warehouse) -> None:
    _issue(warehouse, "a", stays_open=True)
    assert _is_locked(warehouse)
    _issue(warehouse, "b", stays_open=False)
    assert not _is_locked(warehouse)


def test_a_step_that_fails_leaves_nothing_open(warehouse: Warehouse) -> None:
    _issue(warehouse, "a", stays_open=True)
    with pytest.raises(duckdb.CatalogException):
        _fail(warehouse)
    assert not _is_locked(warehouse)
    with warehouse.transaction("oak", "2026-2027") as session:
        assert session.execute("SELECT code FROM sync.issues") == [("a",)]


def test_publishing_closes_it(warehouse: Warehouse) -> None:
    _issue(warehouse, "a", stays_open=True)
    warehouse.publish()
    assert not _is_locked(warehouse)
    with duckdb.connect(str(warehouse.published_path), read_only=True) as published:
        assert published.execute("SELECT code FROM sync.issues").fetchall() == [("a",)]


def test_threads_of_one_process_take_turns(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "NEXT_STEP_TIMEOUT", 0.01)

    def write(number: int) -> None:
        for each in range(5):
            _issue(warehouse, f"{number}-{each}", stays_open=each % 2 == 0)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with warehouse.transaction("oak", "2026-2027") as session:
        assert session.value("SELECT count(DISTINCT code) FROM sync.issues") == 20


def test_a_process_that_ends_closes_what_it_left_open(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path\n"
        "from roster_pipeline.home import Home\n"
        "from roster_pipeline.warehouse.connection import Warehouse\n"
        f"warehouse = Warehouse(Home(Path({str(tmp_path)!r})))\n"
        "with warehouse.transaction('oak', '2026-2027', stays_open=True) as session:\n"
        "    session.execute(\"INSERT INTO sync.issues (source_id, code) VALUES ('oak', 'a')\")\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert not Path(f"{Warehouse(Home(tmp_path)).path}.wal").exists()
    with Warehouse(Home(tmp_path)).transaction("oak", "2026-2027") as session:
        assert session.execute("SELECT code FROM sync.issues") == [("a",)]


def test_whoever_waits_too_long_is_told_what_to_do(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "LOCK_TIMEOUT", 0.1)
    told: list[WarehouseError] = []

    def wait() -> None:
        try:
            _issue(warehouse, "a", stays_open=False)
        except WarehouseError as error:
            told.append(error)

    with warehouse.transaction("oak", "2026-2027"):
        other = threading.Thread(target=wait)
        other.start()
        other.join()
    assert str(warehouse.path) in str(told[0])
    assert "run again" in str(told[0])


@pytest.mark.parametrize(("variable", "value"), [("ROSTER_MEMORY_LIMIT", "lots"), ("ROSTER_THREADS", "0")])
def test_a_wrong_variable_is_named(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(WarehouseError, match=f"{variable}={value}"):
        _issue(warehouse, "a", stays_open=False)
    monkeypatch.delenv(variable)
    _issue(warehouse, "a", stays_open=False)

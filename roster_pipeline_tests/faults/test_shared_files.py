"""Others that hold the warehouse's files, or take bundles away, while the pipeline works."""

import threading
import time
from pathlib import Path

import duckdb
import pytest

from roster_pipeline.delivery import outbox
from roster_pipeline.delivery.routes import deliver, settle
from roster_pipeline.home import Home
from roster_pipeline.warehouse import database
from roster_pipeline.warehouse.connection import Warehouse, read_only
from roster_pipeline.warehouse.database import WarehouseError
from roster_pipeline_tests.faults.outcome import Outcome, next_night, outcome
from roster_pipeline_tests.faults.processes import finish, hold_open, night, publish_killed, start
from roster_pipeline_tests.pipeline import SOURCE, YEAR, Pipeline
from roster_pipeline_tests.roster_files import RosterFiles

#: What a delta package says of a row that is gone.
DELETED = {"status": "tobedeleted", "dateLastModified": "2026-11-20T00:00:00.000Z"}


def test_a_bundle_that_was_taken_away_before_it_was_confirmed_counts_as_delivered(
    due: Pipeline, undisturbed: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = outbox.Outbox.send

    def send_then_fail(*arguments: object) -> str:
        Path(send(*arguments)).unlink()  # type: ignore[arg-type]
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(outbox.Outbox, "send", send_then_fail)
        with pytest.raises(KeyboardInterrupt):
            deliver(due.warehouse, due.home, SOURCE, YEAR, due.settings, "cut")
    next_night(due)
    ended = outcome(due)
    assert ended.mappings == undisturbed.mappings
    assert ended.audit_log == undisturbed.audit_log
    assert ended.bundles == undisturbed.bundles[:-1], "the bundle that was taken must not come again"


def test_a_delivery_of_one_school_year_is_settled_before_a_run_of_another(
    due: Pipeline, undisturbed: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Warehouse, "transaction", _fails_the_second_time(Warehouse.transaction))
        with pytest.raises(KeyboardInterrupt):
            deliver(due.warehouse, due.home, SOURCE, YEAR, due.settings, "cut")
    assert outcome(due).bundles == undisturbed.bundles
    assert outcome(due).mappings != undisturbed.mappings
    (told,) = settle(due.warehouse, due.home, SOURCE, due.settings)
    assert "confirmed" in told
    assert outcome(due) == undisturbed
    assert settle(due.warehouse, due.home, SOURCE, due.settings) == []


def _fails_the_second_time(transaction: object) -> object:
    calls = 0

    def counted(*arguments: object, **options: object) -> object:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KeyboardInterrupt
        return transaction(*arguments, **options)  # type: ignore[operator]

    return counted


def test_a_delta_that_only_stops_managing_sends_no_bundle(pipeline: Pipeline, files: RosterFiles) -> None:
    files.class_("empty", "lit", "elm", ["fall"], "CPLI1/003")
    pipeline.night(files)
    files.modes["classes"] = "delta"
    files.rows["classes"] = {"empty": {**files.rows["classes"]["empty"], **DELETED}}
    night_ = pipeline.night(files)
    assert night_.delta["org_units"] == {"unmap": 2}
    assert night_.bundle is None
    assert "empty" not in pipeline.mappings("section")
    assert {row["outcome"] for row in pipeline.rows("sync.audit_log", "action = 'unmap'")} == {"delivered"}


def test_an_analysts_open_connection_neither_blocks_nor_changes(delivered: Pipeline, files: RosterFiles) -> None:
    delivered.warehouse.publish()
    with read_only(delivered.warehouse.published_path) as analyst:
        query = "SELECT count(*) FROM brightspace.users"
        assert analyst.execute(query).fetchall() == [(5,)]
        files.user("nia", "student", ["oak"])
        delivered.night(files)
        delivered.warehouse.publish()
        assert analyst.execute(query).fetchall() == [(5,)], "an open session keeps what it opened"
    with read_only(delivered.warehouse.published_path) as analyst:
        assert analyst.execute(query).fetchall() == [(6,)]


def test_a_copy_for_analysts_that_was_cut_off_is_swept_away(due: Pipeline) -> None:
    due.warehouse.publish()
    assert finish(start(publish_killed, due.home.root)) < 0
    folder = due.warehouse.published_path.parent
    assert list(folder.glob("roster.*.tmp"))
    with read_only(due.warehouse.published_path) as analyst:
        assert analyst.execute("SELECT count(*) FROM sync.mappings").fetchall() != [(0,)]
    due.warehouse.publish()
    assert not list(folder.glob("roster.*.tmp"))


def test_a_program_that_has_the_warehouse_open_for_a_while_is_waited_for(due: Pipeline) -> None:
    opened = due.home.root / "opened"
    process = start(hold_open, due.warehouse.path, opened)
    while not opened.exists():
        time.sleep(0.01)
    threading.Timer(0.5, opened.unlink).start()
    with due.warehouse.transaction(SOURCE, YEAR) as session:
        assert session.value("SELECT count(*) FROM sync.mappings")
    assert finish(process) == 0


def test_a_program_that_keeps_the_warehouse_open_is_named(due: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "FOREIGN_LOCK_TIMEOUT", 0.5)
    opened = due.home.root / "opened"
    process = start(hold_open, due.warehouse.path, opened)
    while not opened.exists():
        time.sleep(0.01)
    with pytest.raises(WarehouseError, match="Close the program"), due.warehouse.transaction(SOURCE, YEAR):
        pass
    opened.unlink()
    assert finish(process) == 0


def test_two_sources_side_by_side_get_what_each_would_get_alone(tmp_path: Path, files: RosterFiles) -> None:
    """Two processes, one warehouse, two sources."""
    alone = Pipeline(tmp_path / "alone")
    alone.night(files)
    both = Pipeline(tmp_path / "both")
    files.write(both.home.root / "feed")
    processes = [start(night, both.home.root, source_id) for source_id in (SOURCE, "oaks")]
    assert [finish(process) for process in processes] == [0, 0]
    with duckdb.connect(str(both.warehouse.path), read_only=True) as database:
        mappings = database.execute("SELECT source_id, count(*) FROM sync.mappings GROUP BY 1 ORDER BY 1").fetchall()
    expected = len(outcome(alone).mappings)
    assert mappings == [(SOURCE, expected), ("oaks", expected)]
    home = Home(both.home.root)
    assert [len(list(home.outbox(source_id).glob("*.zip"))) for source_id in (SOURCE, "oaks")] == [1, 1]

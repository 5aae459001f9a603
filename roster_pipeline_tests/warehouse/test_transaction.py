"""Until its transaction begins, a step writes nothing that stays."""

import pytest
from click.testing import CliRunner

from roster_pipeline.cli import main
from roster_pipeline.warehouse.catalogue import tables
from roster_pipeline.warehouse.connection import Session
from roster_pipeline_tests.pipeline import SOURCE, YEAR, Pipeline
from roster_pipeline_tests.roster_files import RosterFiles

State = dict[str, tuple[int, int]]


def _state(session: Session) -> State:
    """Rows of every table, and the sum of their hashes."""
    found: State = {}
    for table in tables():
        (found[table],) = session.execute(f"SELECT count(*), sum(hash(each)::HUGEINT) FROM {table} AS each")
    return found


def test_what_prepares_a_transaction_leaves_the_tables_alone(
    pipeline: Pipeline, files: RosterFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin, commit = Session.begin, Session.commit
    committed: list[State] = []
    begun = 0

    def begin_seen(session: Session) -> None:
        nonlocal begun
        if committed:
            begun += 1
            assert _state(session) == committed[-1]
        begin(session)
        monkeypatch.setattr(Session, "begin", begin)  # until it ends

    def commit_seen(session: Session) -> None:
        commit(session)
        committed.append(_state(session))
        monkeypatch.setattr(Session, "begin", begin_seen)

    monkeypatch.setattr(Session, "begin", begin_seen)
    monkeypatch.setattr(Session, "commit", commit_seen)
    monkeypatch.setenv("ROSTER_HOME", str(pipeline.home.root))
    _sync(pipeline, files)
    files.change("users", "sue", familyName="Other", username="")
    files.remove("enrollments", "e-sam-lit-1")
    _sync(pipeline, files)
    assert begun > 12, "raw, roster, hierarchy, delta and delivery of two nights"


def _sync(pipeline: Pipeline, files: RosterFiles) -> None:
    files.write(pipeline.home.root / "feed")
    answer = CliRunner().invoke(main, ["sync", SOURCE, "--school-year", YEAR, "--accept-changes"])
    assert answer.exit_code == 0, answer.output

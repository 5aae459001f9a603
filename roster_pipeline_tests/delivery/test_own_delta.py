"""A delivery by itself, as somebody may start it in the UI."""

from pathlib import Path

import pytest

from roster_pipeline.launch import RunReport, run_job
from roster_pipeline_tests.pipeline import SOURCE, YEAR, Pipeline
from roster_pipeline_tests.roster_files import RosterFiles


@pytest.fixture
def home(pipeline: Pipeline, files: RosterFiles, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """A pipeline whose delta waits to be delivered."""
    monkeypatch.setenv("ROSTER_HOME", str(pipeline.home.root))
    # The job points Dagster at the home; another test has another.
    monkeypatch.setenv("DAGSTER_HOME", str(pipeline.home.root / "dagster"))
    pipeline.night(files, deliver=False)
    return pipeline


def _run(pipeline: Pipeline, *layers: str) -> RunReport:
    return run_job(pipeline.home, SOURCE, "roster_sync", YEAR, config={}, layers=list(layers))


def test_a_delta_of_another_run_is_not_delivered(home: Pipeline) -> None:
    report = _run(home, "sync")
    assert report.outcome == "failed"
    assert "did not work out the delta" in (report.error or "")
    assert not home.mappings("user")
    assert not home.home.outbox(SOURCE).exists()


def test_together_with_its_delta_it_is(home: Pipeline) -> None:
    report = _run(home, "delta", "sync")
    assert report.error is None
    assert Path(report.counts["delivered"]["bundle"]).exists()
    assert len(home.mappings("user")) == 5

"""What a dry run prints of a delta."""

import pytest

from roster_pipeline import printing
from roster_pipeline_tests.pipeline import SOURCE, YEAR, Pipeline
from roster_pipeline_tests.roster_files import RosterFiles


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(printing.console, "_width", 200)


def _lines(pipeline: Pipeline, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The printed lines, with single blanks."""
    printing.proposed(pipeline.home, SOURCE, YEAR)
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def test_reasons_come_grouped_and_org_units_by_name(
    delivered: Pipeline, files: RosterFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    files.remove("enrollments", "e-sue-lit-1")
    for user in ("sue", "pat"):
        files.change("users", user, familyName="Married")
    files.change("orgs", "elm", name="Elm Academy")
    delivered.night(files, deliver=False)
    lines = _lines(delivered, capsys)
    assert "users update 2 changed in the SIS: last_name" in lines
    assert "enrollments delete 2 no longer in the SIS" in lines
    assert "org_units update 1 changed in the SIS: code, name" in lines
    assert "update school Elm Academy changed in the SIS: code, name" in lines
    assert lines.index("entity action rows why") < lines.index("action kind name why")


def test_no_person_is_named(pipeline: Pipeline, files: RosterFiles, capsys: pytest.CaptureFixture[str]) -> None:
    pipeline.night(files, deliver=False)
    told = "\n".join(_lines(pipeline, capsys))
    for person in ("sam", "sue", "pat", "tina", "gus"):
        assert person not in told
    assert "Family" not in told


def test_a_long_delta_is_cut_and_says_where_the_rest_is(
    pipeline: Pipeline, files: RosterFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(printing.NAMES_SHOWN):
        files.class_(f"more-{number}", "lit", "elm", ["fall"], f"CPLI1/{number + 100}")
    pipeline.night(files, deliver=False)
    lines = _lines(pipeline, capsys)
    assert lines[-1] == "… and more: see delta.org_units"
    assert len(lines) < 40


def test_an_empty_delta_prints_nothing(
    delivered: Pipeline, files: RosterFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    delivered.night(files)
    assert _lines(delivered, capsys) == []

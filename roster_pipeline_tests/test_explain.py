"""`roster explain` and `roster audit` from outside."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from roster_pipeline.cli import main
from roster_pipeline_tests.pipeline import SOURCE, YEAR, Pipeline
from roster_pipeline_tests.roster_files import RosterFiles, maple


def _two_nights(folder: Path) -> tuple[Pipeline, RosterFiles]:
    """In the second night Sue has another name, and a pupil without one has come."""
    pipeline, files = Pipeline(folder), maple()
    pipeline.night(files)
    files.change("users", "sue", familyName="Married")
    files.user("nobody", "student", ["elm"], familyName=None)
    pipeline.night(files)
    return pipeline, files


@pytest.fixture(scope="module")
def only_looked_at(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    return _two_nights(tmp_path_factory.mktemp("explain") / "home")[0]


@pytest.fixture
def two_nights(only_looked_at: Pipeline, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """A district after two nights, shared by the tests that change nothing."""
    monkeypatch.setenv("ROSTER_HOME", str(only_looked_at.home.root))
    return only_looked_at


def _run(*arguments: str) -> Result:
    result = CliRunner().invoke(main, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def _explain(kind: str, sourced_id: str) -> dict[str, list[dict[str, Any]]]:
    result = _run("explain", SOURCE, kind, sourced_id, "--school-year", YEAR, "--json")
    parts: dict[str, list[dict[str, Any]]] = json.loads(result.stdout)["parts"]
    return parts


def test_a_user_from_the_feed_to_the_audit_log(two_nights: Pipeline) -> None:
    assert two_nights.mappings("user")
    parts = _explain("user", "sue")
    assert [snapshot["rows"][0]["familyName"] for snapshot in parts["raw"]] == ["Married", "Family sue"]
    assert parts["roster"][0]["family_name"] == "Married"
    assert parts["users"][0]["last_name"] == "Married"
    assert {row["org_unit_key"] for row in parts["enrollments"]} >= {"section:lit-1", "course_offering:lit-1"}
    assert [(row["action"], row["changed_fields"]) for row in parts["delta"]] == [("update", ["last_name"])]
    assert {row["kind"] for row in parts["mappings"]} == {"user", "enrollment"}
    of_user = [row["action"] for row in parts["audit_log"] if row["kind"] == "user"]
    assert of_user == ["update", "create"], "newest first"
    assert all("sue" in row["sourced_id"] for row in parts["audit_log"])


def test_a_guardian_is_told_with_the_child_s_link(two_nights: Pipeline) -> None:
    assert two_nights.mappings("relationship")
    parts = _explain("user", "gus")
    assert parts["relationships"] == [{"student_sourced_id": "sam", "guardian_sourced_id": "gus"}]
    assert "relationship" in {row["kind"] for row in parts["mappings"]}


@pytest.mark.parametrize(
    ("kind", "sourced_id", "units"),
    [
        ("class", "lit-1", {"course_offering:lit-1", "section:lit-1"}),
        ("course", "lit", {"course_template:lit"}),
        ("org", "elm", {"school:elm"}),
        ("academicSession", "fall", {"term:fall"}),
    ],
)
def test_what_became_of_a_row_of_each_kind(two_nights: Pipeline, kind: str, sourced_id: str, units: set[str]) -> None:
    assert two_nights.mappings("section")
    parts = _explain(kind, sourced_id)
    assert {row["org_unit_key"] for row in parts["org_units"]} == units
    assert {f"{row['kind']}:{row['sourced_id']}" for row in parts["mappings"]} == units
    assert {row["action"] for row in parts["audit_log"]} == {"create"}
    assert not parts["users"]


def test_an_enrollment_is_found_by_its_own_id_even_when_it_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline, files = _two_nights(tmp_path / "home")
    monkeypatch.setenv("ROSTER_HOME", str(pipeline.home.root))
    assert {row["org_unit_key"] for row in _explain("enrollment", "e-sam-math-1")["enrollments"]} == {
        "section:math-1",
        "course_offering:math-1",
    }
    files.remove("enrollments", "e-sam-math-1")
    pipeline.night(files)
    parts = _explain("enrollment", "e-sam-math-1")
    assert not parts["roster"]
    assert {row["action"] for row in parts["delta"]} == {"delete"}
    assert [row["action"] for row in parts["audit_log"]] == ["delete", "delete", "create", "create"]


def test_a_row_that_could_not_be_used_is_told_with_its_issue(two_nights: Pipeline) -> None:
    assert "nobody" not in two_nights.mappings("user")
    parts = _explain("user", "nobody")
    assert "user.name_missing" in parts["rejects"][0]["codes"]
    assert "user.name_missing" in {row["code"] for row in parts["issues"]}


def test_people_read_it_too(two_nights: Pipeline) -> None:
    assert two_nights.mappings("user")
    result = _run("explain", SOURCE, "user", "sue", "--school-year", YEAR)
    assert result.exit_code == 0
    assert "audit log" in result.stdout
    assert "last_name: Married" in result.stdout


def test_what_nobody_knows_fails(two_nights: Pipeline) -> None:
    assert two_nights.mappings("user")
    result = _run("explain", SOURCE, "user", "x' OR true --", "--school-year", YEAR)
    assert result.exit_code == 1
    assert "Nothing is known" in result.stderr
    assert _run("explain", SOURCE, "pupil", "sue").exit_code == 2


@pytest.mark.rule("SK-108")
def test_the_audit_log_is_searched_by_course_name(two_nights: Pipeline) -> None:
    assert two_nights.mappings("section")
    result = _run("audit", SOURCE, "computer LITERACY", "--json")
    entries = json.loads(result.stdout)["entries"]
    assert {row["kind"] for row in entries} == {"course_template", "course_offering", "section", "enrollment"}
    assert all("Computer Literacy" in row["name"] for row in entries)
    assert not [row for row in entries if row["kind"] == "enrollment" and row["sourced_id"]], "people are counted"
    assert "Computer Literacy" in _run("audit", SOURCE, "Computer Literacy").stdout


@pytest.mark.rule("SK-108")
@pytest.mark.parametrize("name", ["Chess Club", "100%", "_", "Elm Elementary"])
def test_a_course_that_the_integration_did_not_create_is_not_in_the_audit_log(two_nights: Pipeline, name: str) -> None:
    assert two_nights.mappings("section")
    assert json.loads(_run("audit", SOURCE, name, "--json").stdout)["entries"] == []

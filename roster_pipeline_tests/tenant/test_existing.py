"""Linking and copying content come out alike, whichever way what Brightspace holds is looked up."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from roster_pipeline.brightspace.errors import NotAllowedError
from roster_pipeline.sandbox.brightspace.faults import Fault, Refusal
from roster_pipeline.sandbox.brightspace_server import SandboxBrightspace
from roster_pipeline.warehouse import database
from roster_pipeline_tests.pipeline import SOURCE, YEAR, Night, Pipeline
from roster_pipeline_tests.roster_files import RosterFiles, maple
from roster_pipeline_tests.rules.existing import brightspace_holds, look_up, tenant_holds

Make = Callable[..., Pipeline]


def _user(brightspace_id: int, username: str, org_defined_id: str, **values: Any) -> dict[str, Any]:
    row = {"first_name": "There", "last_name": "Already", "role": "Aide"}
    return {"brightspace_id": brightspace_id, "username": username, "org_defined_id": org_defined_id, **row, **values}


def _unit(brightspace_id: int, type_: str, code: str, name: str = "By hand", **values: Any) -> dict[str, Any]:
    return {"brightspace_id": brightspace_id, "type": type_, "code": code, "name": name, **values}


#: Sue is linked; two accounts have Pat's id; somebody else has Sam's login; Max comes later; Tina and Gus have none.
USERS = [
    _user(101, "s.other", "id-sue", is_active=0),
    _user(102, "p.one", "id-pat"),
    _user(103, "p.two", "id-pat"),
    _user(104, "SAM.Login", "old-7"),
    _user(105, "MAX.There", "old-8"),
]
#: Of each kind of link at least one that is found; two classes of the SIS share the code 001, two courses the code 003.
ORG_UNITS = [
    _unit(201, "course section", "S002"),
    _unit(202, "course offering", "002", is_active=0),
    _unit(203, "course offering", "001"),
    _unit(204, "course offering", "003"),
    _unit(205, "course offering", "003"),
    _unit(206, "course template", "CPLI1"),
    _unit(207, "department", "Arts", "Art Department"),
    _unit(208, "term", "Fall", "Autumn"),
    _unit(209, "school", "Elm Elementary", "Elm"),
    _unit(210, "school", "S-0502", "Oak Elementary "),
]
LINKING = {
    "people": {"link_existing": True},
    "courses": {
        "org_types": {"district": "District", "school": "School", "department": "Department"},
        "link_existing": {"sections": True, "offerings": True, "templates": True},
        "content_copy": {"enabled": True, "from": "same_code"},
    },
    "org_units": {"link_existing": {"departments": True, "semesters": True, "others": True}},
    "mapping": {"section": {"name": ["{course.title}"], "code": ["S{section_number}"]}},
    "safety": {"ignore_below": 1000},
}


def _outcome(pipeline: Pipeline, night: Night) -> dict[str, Any]:
    """What a night decided and told, without what differs from run to run."""
    decided = {
        table: pipeline.rows(f"delta.{table}") for table in ("org_units", "users", "enrollments", "content_copies")
    }
    told = sorted((row["code"], row["kind"], row["sourced_id"], row["message"]) for row in pipeline.issues(night))
    return {**decided, "issues": told}


def _nights(pipeline: Pipeline, look: Callable[[], None]) -> list[dict[str, Any]]:
    """Two nights of a district whose people and org units Brightspace holds in part; `look` completes the settings."""
    files = maple()
    files.org("arts", "department", "Arts", parentSourcedId="elm")
    files.class_("lit-3", "lit", "oak", ["fall"], "CPLI1/003")
    look()
    first = _outcome(pipeline, pipeline.night(files))
    # From now on usernames count; Zoe is given that of the account that Sue was linked to.
    pipeline.configure(**{**LINKING, "people": {"link_existing": True, "identify_by": "username"}})
    look()
    files.user("zoe", "student", ["elm"], username="s.OTHER")
    files.user("max", "student", ["elm"], username="max.there")
    return [first, _outcome(pipeline, pipeline.night(files))]


@pytest.fixture(scope="module")
def by_files(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What the files lead to."""
    pipeline = Pipeline(tmp_path_factory.mktemp("files"), LINKING)
    brightspace_holds(pipeline, users=USERS, org_units=ORG_UNITS)
    return _nights(pipeline, lambda: None)


def test_what_is_compared_holds_every_outcome(by_files: list[dict[str, Any]]) -> None:
    first, second = by_files
    linked = {row["org_unit_key"] for row in first["org_units"] if row["action"] == "update"}
    assert linked == {
        "course_offering:lit-2",
        "section:lit-2",
        "course_template:lit",
        "department:arts",
        "term:fall",
        "school:elm",
    }
    assert {row["sourced_id"]: row["before"]["brightspace_id"] for row in first["users"] if row["before"]} == {
        "sue": 101
    }
    assert {row["org_unit_key"] for row in first["content_copies"]} == {
        "course_offering:lit-1",
        "course_offering:math-1",
    }
    assert {code for code, *_ in first["issues"]} >= {
        "link.ambiguous_code",
        "link.ambiguous_user",
        "link.near_match",
        "user.username_taken",
        "content_copy.source_ambiguous",
    }
    assert ("link.managed_already", "zoe") in {(code, sourced_id) for code, _, sourced_id, _ in second["issues"]}
    assert {row["sourced_id"]: row["before"]["brightspace_id"] for row in second["users"] if row["before"]} == {
        "max": 105
    }


@pytest.mark.rule(
    "CF-039", "CF-040", "CF-045", "CF-046", "CF-049", "CF-068", "CF-069", "CF-070", "CF-072", "CF-113", "CF-118"
)
@pytest.mark.parametrize("way", ["api", "data_sets"])
def test_the_tenant_leads_to_the_same_as_files_do(
    tmp_path: Path,
    brightspace: SandboxBrightspace,
    monkeypatch: pytest.MonkeyPatch,
    by_files: list[dict[str, Any]],
    way: str,
) -> None:
    pipeline = Pipeline(tmp_path, LINKING)
    tenant_holds(brightspace, users=USERS, org_units=ORG_UNITS)
    assert _nights(pipeline, lambda: look_up(pipeline, brightspace, way, monkeypatch)) == by_files
    assert not (tmp_path / "tenant").exists() or not list((tmp_path / "tenant").rglob("*.parquet"))


@pytest.mark.rule("CF-074")
@pytest.mark.parametrize("way", ["api", "data_sets"])
def test_a_sibling_is_known_by_its_template_in_the_tenant(
    pipeline_with: Make, brightspace: SandboxBrightspace, monkeypatch: pytest.MonkeyPatch, files: RosterFiles, way: str
) -> None:
    pipeline = pipeline_with(courses={"content_copy": {"enabled": True, "from": "sibling"}})
    held = [
        _unit(7, "course offering", "CPLI1", template_code="CPLI1"),
        _unit(8, "course offering", "001", template_code="CPLI1"),
        _unit(9, "course offering", "MATH", template_code="OTHER"),
    ]
    tenant_holds(brightspace, org_units=held)
    look_up(pipeline, brightspace, way, monkeypatch)
    pipeline.night(files)
    copies = {row["org_unit_key"]: row["source_brightspace_id"] for row in pipeline.rows("delta.content_copies")}
    assert copies == {"course_offering:lit-1": 7, "course_offering:lit-2": 7}


@pytest.mark.parametrize("way", ["api", "data_sets"])
def test_nothing_is_read_where_nothing_asks(
    pipeline_with: Make, brightspace: SandboxBrightspace, monkeypatch: pytest.MonkeyPatch, files: RosterFiles, way: str
) -> None:
    pipeline = pipeline_with(courses={"content_copy": {"enabled": True, "from": "parent_template"}})
    look_up(pipeline, brightspace, way, monkeypatch)
    pipeline.night(files)
    assert not brightspace.requests
    # Linking asks for the new ones only, of which there are none any more.
    pipeline.configure(people={"link_existing": True}, courses={"link_existing": {"offerings": True}})
    look_up(pipeline, brightspace, way, monkeypatch)
    pipeline.night(files)
    assert not brightspace.requests


def test_the_lock_of_the_warehouse_is_free_while_the_tenant_is_read(
    pipeline_with: Make, brightspace: SandboxBrightspace, monkeypatch: pytest.MonkeyPatch, files: RosterFiles
) -> None:
    pipeline = pipeline_with(people={"link_existing": True})
    look_up(pipeline, brightspace, "api", monkeypatch)
    looked: list[int] = []

    class Look(Fault):
        """Opens the warehouse in the middle of a reading."""

        def before(self, request: Request) -> Response | None:
            if self.meets(request):
                with pipeline.warehouse.transaction(SOURCE, YEAR) as session:
                    looked.append(session.value("SELECT count(*) FROM brightspace.users"))
            return None

    monkeypatch.setattr(database, "LOCK_TIMEOUT", 2.0)
    with brightspace.fault(Look(pattern="GET .*/users/$")):
        pipeline.night(files)
    assert looked
    assert set(looked) == {5}


def test_a_tenant_that_does_not_answer_stops_the_night_before_anything_is_decided(
    pipeline_with: Make, brightspace: SandboxBrightspace, monkeypatch: pytest.MonkeyPatch, files: RosterFiles
) -> None:
    pipeline = pipeline_with(people={"link_existing": True})
    look_up(pipeline, brightspace, "api", monkeypatch)
    with brightspace.fault(Refusal(pattern="GET .*/users/$", status=403)), pytest.raises(NotAllowedError):
        pipeline.night(files)
    assert not pipeline.rows("delta.users")
    assert not list(pipeline.home.root.glob("tenant/**/*.parquet"))

"""`roster sync` against a tenant that holds a part of the district already: taken over, not made a second time."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from roster_pipeline.cli import main
from roster_pipeline.sandbox.brightspace_server import SandboxBrightspace
from roster_pipeline_tests.pipeline import SOURCE, YEAR, Pipeline
from roster_pipeline_tests.roster_files import RosterFiles
from roster_pipeline_tests.rules.existing import tenant_section

Sync = Callable[[], dict[str, Any]]


@pytest.fixture
def sync(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Sync:
    """Runs the command and gives its report."""
    monkeypatch.setenv("ROSTER_HOME", str(tmp_path))

    def run() -> dict[str, Any]:
        answer = CliRunner().invoke(main, ["sync", SOURCE, "--school-year", YEAR, "--json"])
        assert answer.exit_code == 0, answer.output
        report: dict[str, Any] = json.loads(answer.stdout)
        return report

    return run


@pytest.mark.rule("CF-039", "CF-045", "CF-069", "CF-095", "CF-117")
@pytest.mark.parametrize("way", ["api", "data_sets"])
def test_what_the_tenant_holds_is_taken_over(
    tmp_path: Path,
    brightspace: SandboxBrightspace,
    monkeypatch: pytest.MonkeyPatch,
    files: RosterFiles,
    sync: Sync,
    way: str,
) -> None:
    tenant, tree = brightspace.tenant, brightspace.tenant.tree
    sue = tenant.create_user("sue.old", "id-sue", "Susan", "Family sue", tenant.role_named("Aide").id)
    school = tree.create(tree.type_named("School").id, "Elm", "Elm Elementary", [tree.root_id])
    template = tree.create_template("Computers", "CPLI1", [tree.root_id])
    offering = tree.create_offering("By hand", "002", template.id)
    offering.is_active = False
    brightspace.data_sets.publish()
    monkeypatch.setenv("BRIGHTSPACE_SECRET", brightspace.client_secret)
    monkeypatch.setenv("BRIGHTSPACE_REFRESH_TOKEN", brightspace.refresh_token)
    pipeline = Pipeline(
        tmp_path,
        {
            "delivery": {"route": "api"},
            "brightspace": tenant_section(brightspace, existing=way),
            "people": {"link_existing": True},
            "courses": {"link_existing": {"offerings": True, "templates": True}},
            "org_units": {"link_existing": {"others": True}},
        },
    )
    files.write(tmp_path / "feed")
    sync()
    ids = {
        (kind, sourced_id): pipeline.mappings(kind)[sourced_id]["brightspace_id"]
        for kind, sourced_id in (
            ("user", "sue"),
            ("school", "elm"),
            ("course_template", "lit"),
            ("course_offering", "lit-2"),
        )
    }
    assert list(ids.values()) == [sue.id, school.id, template.id, offering.id]
    assert (sue.username, sue.first_name) == ("sue.login", "Given sue")
    assert tenant.enrollment(sue.id, tree.root_id).role.name == "Learner"
    assert school.name == "Elm Elementary"
    assert offering.is_active
    # It hangs where the SIS has it, beside where it hung.
    district, oak = (
        pipeline.mappings(kind)[id_]["brightspace_id"] for kind, id_ in (("district", "district"), ("school", "oak"))
    )
    assert district in school.parents
    assert {template.id, oak} <= set(offering.parents)
    pat = pipeline.mappings("user")["pat"]["brightspace_id"]
    assert tenant.enrollment(pat, offering.id).role.name == "Learner"
    # Nothing was made beside what is linked.
    assert [unit.id for unit in tree.visible() if unit.type.name == "School" and unit.name == "Elm Elementary"] == [
        school.id
    ]
    assert len(tenant.directory.with_org_defined_id("id-sue")) == 1
    asked = len(brightspace.requests)
    assert not any(sync()["delta"].values())
    assert len(brightspace.requests) == asked, "an unchanged night asks Brightspace nothing"

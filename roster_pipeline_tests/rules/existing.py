"""Lets Brightspace hold something already, for tests of linking: in files, or in a tenant to be read."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from roster_pipeline.sandbox.brightspace_server import SandboxBrightspace
from roster_pipeline.warehouse.existing import ORG_UNIT_COLUMNS, USER_COLUMNS
from roster_pipeline_tests.pipeline import SOURCE, Pipeline

Rows = Sequence[Mapping[str, Any]]

#: The ids of what a test does not name begin here.
_OTHER_IDS = 90_000


def brightspace_holds(pipeline: Pipeline, *, users: Rows = (), org_units: Rows = ()) -> None:
    """Put the two files of the source's folder `existing`."""
    folder = pipeline.home.sources / SOURCE / "existing"
    write_existing(folder / "users.csv", USER_COLUMNS, [{"role": "Learner", "is_active": 1, **row} for row in users])
    write_existing(folder / "org_units.csv", ORG_UNIT_COLUMNS, [{"is_active": 1, **row} for row in org_units])


def write_existing(path: Path, columns: tuple[str, ...], rows: Rows) -> None:
    """Write one of the files."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, extrasaction="raise")
        writer.writeheader()
        writer.writerows(rows)


def tenant_holds(brightspace: SandboxBrightspace, *, users: Rows = (), org_units: Rows = ()) -> None:
    """Give a tenant what the files would say, with the same ids, and let it publish its data sets."""
    tenant, tree = brightspace.tenant, brightspace.tenant.tree
    for row in users:
        tenant.directory._new_id = iter([row["brightspace_id"]]).__next__
        tenant.create_user(
            row["username"],
            row["org_defined_id"],
            row["first_name"],
            row["last_name"],
            tenant.role_named(row.get("role", "Learner")).id,
            is_active=bool(row.get("is_active", 1)),
        )
    templates: dict[str, int] = {}
    for row in org_units:
        parent = tree.root_id
        if code := row.get("template_code"):
            if code not in templates:
                tree._new_id = iter([_OTHER_IDS + len(templates)]).__next__
                templates[code] = tree.create_template(f"Template {code}", code, [tree.root_id]).id
            parent = templates[code]
        type_ = {"course section": "Section"}.get(row["type"].lower(), row["type"].title())
        tree._new_id = iter([row["brightspace_id"]]).__next__
        unit = tree.create(tree.type_named(type_).id, row["name"], row["code"], [parent])
        unit.is_active = bool(row.get("is_active", 1))
    brightspace.data_sets.publish()


def look_up(pipeline: Pipeline, brightspace: SandboxBrightspace, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the source look up in a tenant what is there, by its API or its data sets."""
    monkeypatch.setenv("BRIGHTSPACE_SECRET", brightspace.client_secret)
    monkeypatch.setenv("BRIGHTSPACE_REFRESH_TOKEN", brightspace.refresh_token)
    path = pipeline.home.sources / f"{pipeline.source_id}.yaml"
    content = yaml.safe_load(path.read_text("utf-8"))
    content["brightspace"] = tenant_section(brightspace, existing=way)
    path.write_text(yaml.safe_dump(content), "utf-8")


def tenant_section(brightspace: SandboxBrightspace, **settings: Any) -> dict[str, Any]:
    """The section `brightspace` of a source file; its secrets come from the environment."""
    auth = {
        "kind": "refresh_token",
        "token_url": brightspace.token_url,
        "client_id": brightspace.client_id,
        "client_secret": "${BRIGHTSPACE_SECRET}",
        "refresh_token": "${BRIGHTSPACE_REFRESH_TOKEN}",
    }
    return {"url": brightspace.url, "auth": auth, "calls_per_minute": 5000, **settings}

"""Night after night of a changing district into a Brightspace that takes the bundles in: both hold the same."""

import random
from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from roster_pipeline.sandbox.brightspace_tenant import Tenant
from roster_pipeline.sandbox.csv_bundle import write_csv_bundle
from roster_pipeline.sandbox.generator import make_district
from roster_pipeline.sandbox.ipsis import Ipsis
from roster_pipeline.sandbox.next_day import next_day
from roster_pipeline_tests.faults.processes import finish, night, start
from roster_pipeline_tests.pipeline import SOURCE, Pipeline

STUDENTS = 130
#: What happens here is meant.
SETTINGS = {"safety": {"ignore_below": 100_000}}


@dataclass
class World:
    """A district, its pipeline, and the tenant at the other end."""

    pipeline: Pipeline
    ipsis: Ipsis

    def take_bundles(self) -> None:
        """Brightspace takes in what lies in the outbox, and the files are gone."""
        outbox = self.pipeline.home.outbox(SOURCE)
        for batch in self.ipsis.process_folder(outbox):
            assert not batch.errors, batch.errors[:3]
            (outbox / batch.name).unlink()

    def managed(self, kind: str) -> dict[str, dict[str, Any]]:
        return {sourced_id: row["fields"] for sourced_id, row in self.pipeline.mappings(kind).items()}


def _world(folder: Path) -> World:
    pipeline = Pipeline(folder / "home", SETTINGS)
    tenant = Tenant()
    for name in {*pipeline.settings.courses.org_types.values(), *pipeline.settings.courses.session_types.values()}:
        if name.lower() not in {type_.name.lower() for type_ in tenant.tree.types.values()}:
            tenant.tree.add_type(name)
    return World(pipeline, Ipsis(tenant))


def _check(world: World) -> None:
    """The tenant holds what is managed, all that should be there is managed, and nothing came into being twice."""
    _check_users(world)
    _check_org_units(world)
    _check_enrollments(world)
    created = Counter(
        (entry.entity, entry.key)
        for batch in world.ipsis.batches
        for entry in batch.audit
        if entry.action == "create" and entry.entity in {"org_unit", "user"}
    )
    assert {key for key, times in created.items() if times > 1} == set()


def _check_users(world: World) -> None:
    wanted = {row["org_defined_id"]: row for row in world.pipeline.rows("brightspace.users")}
    managed = {fields["org_defined_id"]: fields for fields in world.managed("user").values()}
    assert wanted.keys() <= managed.keys()
    for org_defined_id, fields in managed.items():
        [user] = world.ipsis.tenant.directory.with_org_defined_id(org_defined_id)
        held = (user.username, user.first_name, user.last_name, user.email or None, user.is_active)
        names = ("username", "first_name", "last_name", "email", "is_active")
        assert held == tuple(fields[name] for name in names)
        if org_defined_id in wanted:
            assert held == tuple(wanted[org_defined_id][name] for name in names)


def _check_org_units(world: World) -> None:
    tree = world.ipsis.tenant.tree
    for row in world.pipeline.rows("brightspace.org_units", "kind <> 'organization'"):
        code = world.pipeline.mappings(row["kind"])[row["sourced_id"]]["code"]
        [unit] = tree.with_code(code)
        assert unit.name == row["name"]
        if row["kind"] == "course_offering":
            assert unit.is_active == row["is_active"]


def _check_enrollments(world: World) -> None:
    tenant = world.ipsis.tenant
    people = {sourced_id: fields["org_defined_id"] for sourced_id, fields in world.managed("user").items()}
    codes = {
        f"{row['kind']}:{row['sourced_id']}": row["code"]
        for row in world.pipeline.rows("sync.mappings", "kind NOT IN ('user', 'relationship', 'enrollment')")
    }
    managed = {
        (people[fields["user_sourced_id"]], codes[fields["org_unit_key"]], fields["role"])
        for fields in world.managed("enrollment").values()
    }
    wanted = {
        (people[row["user_sourced_id"]], codes[row["org_unit_key"]], row["role"])
        for row in world.pipeline.rows("brightspace.enrollments")
    }
    held = {
        (org_defined_id, unit.code, enrollment.role.name)
        for org_defined_id in people.values()
        for user in tenant.directory.with_org_defined_id(org_defined_id)
        for enrollment in tenant.enrollments_of(user.id)
        if not enrollment.is_cascading and (unit := tenant.tree.get(enrollment.org_unit_id)).code in codes.values()
    }
    assert wanted <= managed
    assert held == managed


@pytest.mark.parametrize(
    ("nights", "kills"),
    [pytest.param(2, 0, id="two-nights"), pytest.param(10, 3, id="ten-disturbed-nights", marks=pytest.mark.soak)],
)
def test_what_the_tenant_holds_is_what_it_should_hold(tmp_path: Path, nights: int, kills: int) -> None:
    district = make_district(STUDENTS, today=date(2026, 10, 1), years=1)
    world = _world(tmp_path)
    for _ in range(nights):
        write_csv_bundle(district, world.pipeline.home.root / "feed")
        for _ in range(random.randint(0, kills)):
            process = start(night, world.pipeline.home.root, SOURCE, SETTINGS)
            process.join(random.uniform(0.2, 6))
            process.kill()
            finish(process)
            if random.random() < 0.5:
                world.take_bundles()
        world.pipeline.night()
        world.take_bundles()
        _check(world)
        next_day(district)

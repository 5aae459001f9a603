"""Night after night of a changing district into a Brightspace that takes the bundles in: both hold the same.

The bundles lie in the outbox, or go to an SFTP site whose connections break.
"""

import random
import sys
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from roster_pipeline.sandbox.brightspace_tenant import Tenant
from roster_pipeline.sandbox.csv_bundle import write_csv_bundle
from roster_pipeline.sandbox.generator import make_district
from roster_pipeline.sandbox.ipsis import Ipsis
from roster_pipeline.sandbox.next_day import next_day
from roster_pipeline.sandbox.sftp_server import SandboxSftp
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
    inbox: Path
    """Where Brightspace finds the bundles."""

    def take_bundles(self) -> None:
        """Brightspace takes in what lies there, and the files are gone."""
        for batch in self.ipsis.process_folder(self.inbox):
            assert not batch.errors, batch.errors[:3]
            (self.inbox / batch.name).unlink()

    def managed(self, kind: str) -> dict[str, dict[str, Any]]:
        return {sourced_id: row["fields"] for sourced_id, row in self.pipeline.mappings(kind).items()}


def _world(pipeline: Pipeline, inbox: Path) -> World:
    tenant = Tenant()
    for name in {*pipeline.settings.courses.org_types.values(), *pipeline.settings.courses.session_types.values()}:
        if name.lower() not in {type_.name.lower() for type_ in tenant.tree.types.values()}:
            tenant.tree.add_type(name)
    return World(pipeline, Ipsis(tenant), inbox)


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


@dataclass
class Figures:
    """What a series of nights went through."""

    nights: int = 0
    kills: int = 0
    cuts: int = 0
    outcomes: Counter[int | None] = field(default_factory=Counter[int | None])


class ShakyServer(asyncssh.SFTPServer):  # type: ignore[misc]
    """An SFTP server that now and then breaks the connection instead of answering, before or after the deed."""

    share = 0.0
    figures = Figures()

    def write(self, file_obj: Any, offset: int, data: bytes) -> int:
        self._perhaps_cut()
        written: int = super().write(file_obj, offset, data)
        self._perhaps_cut()
        return written

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        self._perhaps_cut()
        super().rename(oldpath, newpath)
        self._perhaps_cut()

    def _perhaps_cut(self) -> None:
        if random.random() < ShakyServer.share:
            ShakyServer.figures.cuts += 1
            self.channel.get_connection().abort()
            raise asyncssh.SFTPFailure("cut")


def _go_through_nights(world: World, settings: dict[str, Any], *, nights: int, kills: int, share: float) -> Figures:
    """Nights that are killed up to `kills` times and lose connections, each followed by a quiet one that must do."""
    figures = ShakyServer.figures = Figures()
    district = make_district(STUDENTS, today=date(2026, 10, 1), years=1)
    for _ in range(nights):
        write_csv_bundle(district, world.pipeline.home.root / "feed")
        ShakyServer.share = share
        for _ in range(random.randint(0, kills)):
            process = start(night, world.pipeline.home.root, SOURCE, settings)
            process.join(random.uniform(0.2, 3))
            process.kill()
            outcome = finish(process)
            figures.outcomes[outcome] += 1
            figures.kills += outcome < 0
            if random.random() < 0.5:
                world.take_bundles()
        ShakyServer.share = 0.0
        # One bundle at a time lies on an SFTP site.
        world.take_bundles()
        world.pipeline.night()
        world.take_bundles()
        _check(world)
        figures.nights += 1
        next_day(district)
    return figures


@pytest.mark.parametrize(
    ("nights", "kills"),
    [pytest.param(2, 0, id="two-nights"), pytest.param(10, 3, id="ten-disturbed-nights", marks=pytest.mark.soak)],
)
def test_what_the_tenant_holds_is_what_it_should_hold(tmp_path: Path, nights: int, kills: int) -> None:
    pipeline = Pipeline(tmp_path / "home", SETTINGS)
    world = _world(pipeline, pipeline.home.outbox(SOURCE))
    figures = _go_through_nights(world, SETTINGS, nights=nights, kills=kills, share=0.0)
    sys.stdout.write(f"\n{figures}")


@pytest.mark.soak
def test_it_is_so_over_broken_connections_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asyncssh, "SFTPServer", ShakyServer)
    inbox = tmp_path / "remote" / "inbound"
    inbox.mkdir(parents=True)
    with SandboxSftp(inbox.parent) as server:
        monkeypatch.setenv("LMS_PASSWORD", server.password)
        site = {
            "kind": "sftp",
            "host": server.host,
            "port": server.port,
            "username": server.username,
            "password": "${LMS_PASSWORD}",
            "host_key": server.host_key,
            "path": "inbound",
        }
        settings = {**SETTINGS, "delivery": {"route": "sftp", "wait_minutes": 0, "sftp": site}}
        world = _world(Pipeline(tmp_path / "home", settings), inbox)
        figures = _go_through_nights(world, settings, nights=10, kills=5, share=0.3)
    sys.stdout.write(f"\n{figures}")
    assert figures.kills
    assert figures.cuts

"""Nights over Brightspace's API that are killed again and again, against a tenant that fails one call in ten.

What must hold after a quiet run: the tenant is what the tables say, and nothing was ever made twice.
"""

import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from roster_pipeline.sandbox.brightspace.faults import Turbulence
from roster_pipeline.sandbox.brightspace_server import SandboxBrightspace
from roster_pipeline.sandbox.comparison import compare
from roster_pipeline_tests.faults.changing_school import ChangingSchool
from roster_pipeline_tests.faults.processes import command, finish, start
from roster_pipeline_tests.pipeline import SOURCE, YEAR, Pipeline

#: Calls to Brightspace after which a night is killed, at most; most nights make fewer than twice that.
CALLS = 150
#: Part of the kills that come at any moment from the first instruction on, not in the course of the calls.
ANYTIME = 0.25
#: Seconds in which such a kill comes.
SECONDS = 4.0
#: How often the next day's roster is there before the killed night is repeated.
NEXT_DAY = 0.5
#: Seconds in which a disturbed night must have come to its end.
PATIENCE = 600
KEY = "soak"


@dataclass
class Figures:
    """What a series of nights went through."""

    nights: int = 0
    kills: int = 0
    calls: int = 0
    faults: Counter[str] = field(default_factory=Counter[str])
    outcomes: Counter[int | None] = field(default_factory=Counter[int | None])

    def __str__(self) -> str:
        return (
            f"{self.nights} nights, {self.kills} kills, {self.calls:,} calls, {self.faults.total():,} faults "
            f"({', '.join(f'{way}: {times}' for way, times in sorted(self.faults.items()))}); "
            f"exit codes of disturbed runs {dict(self.outcomes)}"
        )


class World:
    """A school, its pipeline, and the tenant at the other end."""

    def __init__(self, folder: Path, tenant: SandboxBrightspace, private_key: str, seed: int) -> None:
        self.chance = random.Random(seed)
        self.school = ChangingSchool(self.chance)
        self.tenant = tenant
        self.figures = Figures()
        auth = {
            "kind": "client_assertion",
            "token_url": tenant.token_url,
            "client_id": tenant.client_id,
            "key_id": KEY,
            "private_key": "${BRIGHTSPACE_KEY}",
            "algorithm": "ES256",
        }
        os.environ["BRIGHTSPACE_KEY"] = private_key
        self.pipeline = Pipeline(
            folder / "home",
            {
                "profile": "generic",
                "delivery": {"route": "api"},
                "brightspace": {"url": tenant.url, "auth": auth, "calls_per_minute": 5000, "timeout_seconds": 10},
                # What happens here is meant.
                "safety": {"ignore_below": 100_000},
                "people": {
                    "roles": {"student": "Learner", "teacher": "Instructor", "aide": "Aide", "guardian": "Guardian"}
                },
                "courses": {
                    "on_delete": self.chance.choice(["nothing", "inactivate"]),
                    "content_copy": {"enabled": True, "from": "parent_template"},
                },
            },
        )
        self.environment = {
            "ROSTER_HOME": str(self.pipeline.home.root),
            "BRIGHTSPACE_KEY": private_key,
            # So small a district gains nothing from more.
            "ROSTER_THREADS": "1",
        }
        self.output = folder / "output.txt"

    def next_day(self) -> None:
        self.school.day()
        self.school.files.write(self.pipeline.home.root / "feed")

    def disturbed_night(self, kills: int, share: float) -> None:
        """One night, killed so many times and then left to end, while a share of the calls fails."""
        turbulence = Turbulence(share=share, chance=self.chance)
        with self.tenant.fault(turbulence):
            for _ in range(kills):
                self.kill_somewhere()
                if self.chance.random() < NEXT_DAY:
                    self.next_day()
            self.figures.outcomes[self.run()] += 1
        self.figures.nights += 1
        self.figures.faults += turbulence.met

    def kill_somewhere(self) -> None:
        process = self.start()
        if self.chance.random() < ANYTIME:
            process.join(self.chance.uniform(0, SECONDS))
        else:
            calls = self.calls + self.chance.randint(1, CALLS)
            while process.is_alive() and self.calls < calls:
                time.sleep(0.001)
            # Somewhere inside what comes next.
            process.join(self.chance.uniform(0, 0.05))
        process.kill()
        self.figures.kills += finish(process) < 0

    def quiet_night(self) -> None:
        """A night without disturbance, after which all must be well."""
        assert self.run() == 0, self.output.read_text("utf-8")
        with self.pipeline.warehouse.transaction(SOURCE, YEAR) as session:
            comparisons = compare(session, self.tenant.tenant)
        left = self.no_longer_managed()
        for each in comparisons:
            assert not each.missing, f"{self.figures}\n{each}"
            assert set(each.extra) <= left, f"{self.figures}\n{each}"
        twice = [each for each in self.tenant.tenant.creations if each.twins]
        assert not twice, f"{self.figures}\n{twice}"
        assert {row["state"] for row in self.pipeline.rows("sync.deliveries", school_year=None)} <= {"confirmed"}

    def no_longer_managed(self) -> set[str]:
        """Codes of the units that stay in Brightspace with their people after the SIS has deleted the class."""
        rows = self.pipeline.rows("sync.audit_log", "action IN ('unmap', 'inactivate') AND outcome = 'delivered'")
        return {row["before"]["delivery_code"] for row in rows if "delivery_code" in row["before"]}

    @property
    def calls(self) -> int:
        return len(self.tenant.service.requests)

    def start(self) -> Any:
        return start(command, self.environment, self.output, "sync", SOURCE, "--school-year", YEAR, "--no-grades")

    def run(self) -> int:
        code = finish(self.start(), PATIENCE)
        self.figures.calls = self.calls
        return code


@pytest.fixture
def world(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    with SandboxBrightspace(public_keys={KEY: public}) as tenant:
        yield World(tmp_path, tenant, private, request.param)


@pytest.mark.parametrize("world", [1], indirect=True)
def test_a_killed_night_over_a_shaky_connection_is_made_up_for(world: World) -> None:
    world.next_day()
    world.disturbed_night(kills=3, share=0.05)
    world.next_day()
    world.quiet_night()
    assert world.figures.kills
    assert world.figures.faults


@pytest.mark.soak
@pytest.mark.parametrize("world", range(100, 100 + int(os.environ.get("ROSTER_SOAK_SEEDS", "5"))), indirect=True)
def test_many_killed_nights_over_a_shaky_connection_end_as_quiet_ones(world: World) -> None:
    """ROSTER_SOAK_SEEDS sets how many districts go through ten nights each."""
    for _ in range(10):
        world.next_day()
        world.disturbed_night(kills=world.chance.randint(2, 6), share=0.1)
        if world.chance.random() < 0.5:
            world.next_day()
        world.quiet_night()
        sys.stdout.write(f"\n{world.figures}")
        sys.stdout.flush()

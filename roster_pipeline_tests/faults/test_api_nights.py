"""Nights over Brightspace's API that are killed again and again, against a tenant that fails one call in ten.

What must hold after a quiet run: the tenant is what the tables say, and nothing was ever made twice.
"""

import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from starlette.requests import Request
from starlette.responses import Response

from roster_pipeline.sandbox.brightspace.faults import Fault, Turbulence
from roster_pipeline.sandbox.brightspace_server import SandboxBrightspace
from roster_pipeline.sandbox.comparison import compare
from roster_pipeline_tests.faults.changing_school import ChangingSchool
from roster_pipeline_tests.faults.processes import command, finish, night, night_killed_when_confirmed, start
from roster_pipeline_tests.pipeline import SOURCE, YEAR, Pipeline
from roster_pipeline_tests.roster_files import RosterFiles

#: Calls to Brightspace after which a night is killed, at most. A first night makes several hundred, others some thirty,
#: so that fewer are taken more often.
CALLS = 100
#: Part of the kills that come at any moment from the first instruction on, not in the course of the calls.
ANYTIME = 0.25
#: Seconds in which such a kill comes.
SECONDS = 8.0
#: How often the next day's roster is there before the killed night is repeated.
NEXT_DAY = 0.8
#: Seconds in which a disturbed night must have come to its end.
PATIENCE = 600
#: First of the districts of the soak.
FIRST = 100
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

    def __init__(self, folder: Path, tenant: SandboxBrightspace, seed: int) -> None:
        self.chance = random.Random(seed)
        self.school = ChangingSchool(self.chance)
        self.tenant = tenant
        self.figures = Figures()
        self.pipeline = Pipeline(
            folder / "home",
            {
                **settings(tenant),
                "profile": "generic",
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
            "BRIGHTSPACE_KEY": os.environ["BRIGHTSPACE_KEY"],
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
            calls = self.calls + int(CALLS ** self.chance.random())
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
        # An unsure one stays so until there is something to deliver: what it may have made unseen is looked for then.
        states = {row["state"] for row in self.pipeline.rows("sync.deliveries", school_year=None)}
        assert states <= {"confirmed", "unsure"}

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
def tenant(monkeypatch: pytest.MonkeyPatch) -> Iterator[SandboxBrightspace]:
    """A tenant that knows our public key; ours is in the environment."""
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    monkeypatch.setenv("BRIGHTSPACE_KEY", private)
    with SandboxBrightspace(public_keys={KEY: public}) as tenant:
        yield tenant


@pytest.fixture
def world(tmp_path: Path, tenant: SandboxBrightspace, request: pytest.FixtureRequest) -> World:
    return World(tmp_path, tenant, request.param)


def settings(tenant: SandboxBrightspace) -> dict[str, Any]:
    """Of a source that delivers to this tenant over the API, whatever the changes."""
    auth = {
        "kind": "client_assertion",
        "token_url": tenant.token_url,
        "client_id": tenant.client_id,
        "key_id": KEY,
        "private_key": "${BRIGHTSPACE_KEY}",
        "algorithm": "ES256",
    }
    return {
        "delivery": {"route": "api"},
        "brightspace": {"url": tenant.url, "auth": auth, "calls_per_minute": 5000, "timeout_seconds": 10},
        "safety": {"ignore_below": 100_000},
    }


@dataclass
class Killer(Fault):
    """Carries a request out and kills the process that sent it, before it hears of that."""

    times: int | None = 1
    process: Any = None

    def after(self, request: Request, response: Response) -> Response:
        if self.meets(request):
            self.process.kill()
        return response


def _new_codes(files: RosterFiles) -> None:
    for number, class_ in enumerate(("lit-1", "lit-2", "math-1"), 101):
        files.change("classes", class_, classCode=f"NEW/{number}")


def _new_logins(files: RosterFiles) -> None:
    for person in list(files.rows["users"]):
        files.change("users", person, username=f"new-{person}", familyName="New")


def _hardly_an_enrollment(files: RosterFiles) -> None:
    # None at all would look like a broken extract.
    _, *others = files.rows["enrollments"]
    for enrollment in others:
        files.remove("enrollments", enrollment)


def _no_guardian(files: RosterFiles) -> None:
    files.change("users", "sam", agentSourcedIds=[])


@pytest.mark.parametrize(
    ("call", "next_day"),
    [
        pytest.param(r"POST .*/courses/$", _new_codes, id="class made, and another code"),
        pytest.param(r"POST .*/users/$", _new_logins, id="account made, and another login"),
        pytest.param(r"POST .*/enrollments/batch/$", _hardly_an_enrollment, id="enrolled, and the SIS takes it back"),
        pytest.param(r"POST .*/auditees/$", _no_guardian, id="related, and the SIS takes it back"),
    ],
)
def test_what_a_killed_run_did_is_known_whatever_the_sis_says_next(
    tmp_path: Path, tenant: SandboxBrightspace, files: RosterFiles, call: str, next_day: Callable[[RosterFiles], None]
) -> None:
    pipeline = Pipeline(tmp_path / "home", settings(tenant))
    files.write(pipeline.home.root / "feed")
    with tenant.fault(Killer(call)) as killer:
        killer.process = start(night, pipeline.home.root, SOURCE, settings(tenant), os.environ["BRIGHTSPACE_KEY"])
        assert finish(killer.process) == -signal.SIGKILL
    next_day(files)
    pipeline.night(files)
    with pipeline.warehouse.transaction(SOURCE, YEAR) as session:
        comparisons = compare(session, tenant.tenant)
    assert all(each.is_equal for each in comparisons), "\n".join(map(str, comparisons))
    assert not [each for each in tenant.tenant.creations if each.twins]


def test_what_is_confirmed_is_not_repeated_though_the_journal_does_not_know(
    tmp_path: Path, tenant: SandboxBrightspace, files: RosterFiles
) -> None:
    pipeline = Pipeline(tmp_path / "home", settings(tenant))
    files.write(pipeline.home.root / "feed")
    kills = 0
    # Every night gets as far as its first confirmation.
    while outcome := finish(
        start(night_killed_when_confirmed, pipeline.home.root, settings(tenant), os.environ["BRIGHTSPACE_KEY"])
    ):
        assert outcome == -signal.SIGKILL
        kills += 1
        assert kills < 30
    assert kills > 5
    with pipeline.warehouse.transaction(SOURCE, YEAR) as session:
        comparisons = compare(session, tenant.tenant)
    assert all(each.is_equal for each in comparisons), "\n".join(map(str, comparisons))
    assert not [each for each in tenant.tenant.creations if each.twins]


@pytest.mark.parametrize("world", [1], indirect=True)
def test_a_killed_night_over_a_shaky_connection_is_made_up_for(world: World) -> None:
    world.next_day()
    world.disturbed_night(kills=3, share=0.05)
    world.next_day()
    world.quiet_night()
    assert world.figures.kills
    assert world.figures.faults


@pytest.mark.soak
@pytest.mark.parametrize("world", range(FIRST, FIRST + int(os.environ.get("ROSTER_SOAK_SEEDS", "5"))), indirect=True)
def test_many_killed_nights_over_a_shaky_connection_end_as_quiet_ones(world: World) -> None:
    """ROSTER_SOAK_SEEDS sets how many districts go through ten nights each."""
    for _ in range(10):
        world.next_day()
        world.disturbed_night(kills=world.chance.randint(3, 8), share=0.1)
        if world.chance.random() < 0.5:
            world.next_day()
        world.quiet_night()
        sys.stdout.write(f"\n{world.figures}")
        sys.stdout.flush()

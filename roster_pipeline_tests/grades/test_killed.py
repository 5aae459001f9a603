"""Exports that are killed with SIGKILL wherever they are, against a SIS that fails at random: nothing is lost, nothing
is sent twice for one change, and the SIS ends with just what may go."""

import copy
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest

from roster_pipeline_tests.grades import export_process
from roster_pipeline_tests.grades.disturbed_sis import DisturbedSis, disturbed_sis
from roster_pipeline_tests.grades.school import School
from roster_pipeline_tests.pipeline import DAY, SOURCE

#: Exports at once on their way, so that a kill may leave as many answers unread.
CONCURRENCY = 2

#: An item, or an item and a student.
Key = tuple[str, ...]

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload([export_process.__name__])


def export_in_child(home: str, run_id: str, secret: str) -> None:
    """What a child does."""
    os.environ["SIS_SECRET"] = secret
    export_process.main(home, DAY.isoformat(), run_id)


class Story:
    """A school over many nights, and when each of its marks was last touched."""

    def __init__(self, school: School, sis: DisturbedSis, seed: int, pupils: int, items_per_class: int) -> None:
        self.school, self.sis, self.chance = school, sis, random.Random(seed)
        self.kills: Counter[str] = Counter()
        self.exports = self.nights = 0
        self._edits: dict[Key, list[int]] = {}
        """Nights in which what is sent of an item or a mark was edited."""
        self._wanted: list[Any] = []
        self._writes_before: list[int] = []
        self._last_seconds = 3.0
        for class_ in ("lit", "math", "art"):
            for number in range(items_per_class):
                item = school.teachers.item(f"{class_}{number}", class_)
                for pupil in range(pupils):
                    school.teachers.score(item, f"p{pupil}", "4")

    def night(self, edits: int) -> None:
        """Teachers do some work, and go home."""
        teachers, chance = self.school.teachers, self.chance
        for _ in range(edits if self.nights else 0):
            if chance.random() < 0.15:
                item = chance.choice(list(teachers.items))
                change: dict[str, Any] = chance.choice(
                    [
                        {"name": f"Renamed {self.nights}"},
                        {"max_points": str(chance.randrange(10, 20))},
                        {"is_deleted": "true"},
                        {"is_deleted": "false"},
                        {"academic_session_id": None},
                        {"academic_session_id": "fall"},
                        {"category_id": "own"},
                        {"category_id": "hw"},
                    ]
                )
                teachers.change_item(item, **change)
                # A changed item sends its scores again.
                for key in [(item,), *(key for key in teachers.scores if key[0] == item)]:
                    self._edits.setdefault(key, []).append(self.nights)
            else:
                key = chance.choice(list(teachers.scores))
                score: dict[str, Any] = chance.choice(
                    [
                        *[{"points": str(chance.randrange(11))}] * 4,
                        {"points": None},
                        {"is_exempt": "true"},
                        {"is_exempt": "false"},
                        {"is_deleted": "true"},
                        {"is_deleted": "false"},
                    ]
                )
                teachers.change_score(*key, **score)
                self._edits.setdefault(key, []).append(self.nights)
        teachers.write(self.school.pipeline.home.root / "gradebook")
        self._wanted.append(copy.deepcopy(teachers.wanted()))
        self._writes_before.append(len(self.sis.writes()))
        self.nights += 1

    def export(self, kill: Literal["by writes", "by time"] | None = None, *, as_command: bool = False) -> None:
        """One export in a process of its own, which may be killed at a moment that chance chooses."""
        self.exports += 1
        started = time.monotonic()
        before = self.sis.log.read_bytes().count(b"\n")
        stop_at = self.chance.randrange(1, max(2, self._due() - before))
        deadline = started + self.chance.uniform(0.02, 1) * self._last_seconds
        running, end = self._command() if as_command else self._child()
        position = self.sis.log.stat().st_size
        seen = 0
        while kill and running():
            size = self.sis.log.stat().st_size
            if size > position:
                seen = self.sis.log.read_bytes().count(b"\n") - before
                position = size
            if seen >= stop_at if kill == "by writes" else time.monotonic() >= deadline:
                break
            time.sleep(0.0005)
        status = end(kill is not None)
        if status == -signal.SIGKILL:
            self.kills[kill or ""] += 1
        else:
            assert status == 0
            self._last_seconds = time.monotonic() - started

    def _due(self) -> int:
        """About how many writes there will be when this night's exports are done."""
        tonight = [key for key, nights in self._edits.items() if nights[-1] == self.nights - 1]
        first = len(self.school.teachers.items) + len(self.school.teachers.scores)
        return self._writes_before[-1] + (len(tonight) if self.nights > 1 else first)

    def _child(self) -> tuple[Callable[[], bool], Callable[[bool], int]]:
        home = str(self.school.pipeline.home.root)
        process = _context.Process(target=export_in_child, args=(home, f"run-{self.exports}", self.sis.client_secret))
        process.start()

        def end(is_killed: bool) -> int:
            if is_killed:
                process.kill()
            process.join()
            assert process.exitcode is not None
            return process.exitcode

        return process.is_alive, end

    def _command(self) -> tuple[Callable[[], bool], Callable[[bool], int]]:
        arguments = ["export-grades", SOURCE, "--nightly", "--school-year", "2026-2027", "--as-of", DAY.isoformat()]
        code = "from roster_pipeline.cli import main; main()"
        environment = {**os.environ, "ROSTER_HOME": str(self.school.pipeline.home.root)}
        environment.pop("DAGSTER_HOME", None)
        process = subprocess.Popen([sys.executable, "-c", code, *arguments, "--json"], env=environment, stdout=-3)

        def end(is_killed: bool) -> int:
            if is_killed:
                process.kill()
            return process.wait()

        return lambda: process.poll() is None, end

    def check(self) -> int:
        """After an undisturbed export: the SIS, the ledger and the record of every write.

        Answers with the writes that were repeated because a kill had left their outcome unknown.
        """
        state = self.sis.state()
        ledger = {row["sourced_id"]: row for row in self.school.pipeline.rows("grades.export_ledger", "true", None)}
        assert set(state["items"]) | set(state["results"]) <= set(ledger), "the SIS has an id that is on no record"
        self._check_state(state, ledger)
        acknowledged: Counter[tuple[Any, ...]] = Counter()
        bodies: dict[tuple[Any, ...], Any] = {}
        for number, write in enumerate(self.sis.writes()):
            night = sum(before <= number for before in self._writes_before) - 1
            row = ledger[write["id"]]
            key: Key = (row["item_id"], row["student_sourced_id"]) if row["kind"] == "result" else (row["item_id"],)
            change = (write["method"], key, max((n for n in self._edits.get(key, []) if n <= night), default=0))
            if write["method"] == "PUT":
                self._check_body(write["body"], key, self._wanted[night])
                assert bodies.setdefault(change, write["body"]) == write["body"], "one change, two contents"
            acknowledged[change] += write["status"] is not None and write["status"] < 300
        repeated = sum(count - 1 for count in acknowledged.values() if count > 1)
        assert repeated <= CONCURRENCY * self.kills.total(), "written again although its answer was on record"
        return repeated

    def _check_body(self, body: dict[str, Any], key: Key, wanted: dict[str, Any]) -> None:
        """What is written is what teachers had in their books that night."""
        item = wanted[key[0]]
        if len(key) == 1:
            assert (body["title"], body["resultValueMax"]) == item[0]
        else:
            assert (body["score"], body["scoreStatus"]) == item[1][key[1]]

    def _check_state(self, state: dict[str, Any], ledger: dict[str, dict[str, Any]]) -> None:
        """What may go is there, what was deleted is not, and what stopped going is left as it was."""
        there: dict[str, Any] = {ledger[id_]["item_id"]: (tuple(item), {}) for id_, item in state["items"].items()}
        for id_, (item_id, student, score, status) in state["results"].items():
            assert ledger[id_]["item_id"] == ledger[item_id]["item_id"]
            there[ledger[id_]["item_id"]][1][student] = (score, status)
        wanted = self.school.teachers.wanted()
        assert {item: there.get(item) for item in wanted} == wanted
        for item_id in set(there) - set(wanted):
            item = self.school.teachers.items[item_id]
            assert not item["academic_session_id"] or item["category_id"] != "hw", "deleted, and still there"


def tell(
    folder: Path, environment: pytest.MonkeyPatch, *, seed: int, pupils: int, items: int, nights: int, kills: int
) -> tuple[Story, int]:
    """So many nights with so many killed exports each, and a quiet one in the end."""
    with disturbed_sis(pupils, folder / "writes.jsonl") as sis:
        environment.setenv("SIS_SECRET", sis.client_secret)
        school = School(folder / "home", sis)  # type: ignore[arg-type]
        school.pipeline.night()
        story = Story(school, sis, seed, pupils, items)
        for night in range(nights):
            story.night(edits=4 * items)
            sis.disturb(seed * 1000 + night)
            for attempt in range(kills):
                story.export("by time" if attempt % 3 == 2 else "by writes", as_command=attempt == 3)
            story.export()
        sis.quiet()
        story.export()
        repeated = story.check()
        written = len(sis.writes())
        story.export()
        assert len(sis.writes()) == written, "nothing was due"
        # Who is killed at once leaves no record, and who is killed when all is done leaves the record of a whole run.
        runs = Counter(run["status"] for run in school.pipeline.rows("grades.export_runs"))
        assert set(runs) <= {"done", "interrupted"}
        assert runs["interrupted"] <= story.kills.total()
        assert runs["done"] >= story.exports - story.kills.total()
        struck = sis.state()["struck"]
        sys.stdout.write(
            f"\nseed {seed}: {story.nights} nights, {story.exports} exports, {dict(story.kills)} kills, {written:,} "
            f"writes, trouble {struck}, repeated after kills {repeated}\n"
        )
        return story, repeated


def test_killed_exports_lose_nothing_and_repeat_nothing_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    story, _ = tell(tmp_path, monkeypatch, seed=1, pupils=20, items=2, nights=2, kills=2)
    assert story.kills.total() >= 1


@pytest.mark.soak
@pytest.mark.parametrize("seed", [11, 12, 13, 14])
def test_many_killed_exports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    story, _ = tell(tmp_path, monkeypatch, seed=seed, pupils=40, items=4, nights=4, kills=5)
    assert story.kills.total() >= 5

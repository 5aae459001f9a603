"""A small SIS in a process of its own that writes down every write it gets, and fails at random while it is told to.

Run as a module with a number of pupils and a file for the writes; its commands come in on standard input.
"""

import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from starlette.responses import Response

from roster_pipeline.sandbox.objects import LineItem, OneRosterObject, Result
from roster_pipeline.sandbox.sis.answers import CutResponse, RefusedError, StatusInfo, unprocessable
from roster_pipeline.sandbox.sis.faults.base import Call, Fault
from roster_pipeline.sandbox.sis.faults.setup import CategoryOptional
from roster_pipeline.sandbox.sis.recording import RecordedRequest
from roster_pipeline.sandbox.sis_server import SandboxSis
from roster_pipeline_tests.grades.school import small_district
from roster_pipeline_tests.grades.sis_process import SisAddress

#: Of a thousand writes so many meet each kind of trouble.
PER_MILLE = 8


@dataclass(frozen=True)
class DisturbedSis(SisAddress):
    """The SIS as tests see it."""

    process: "subprocess.Popen[str]"
    log: Path

    def disturb(self, seed: int) -> None:
        """From now on some writes are put off, refused, or lose their answer."""
        self._tell(f"disturb {seed}")

    def quiet(self) -> None:
        """From now on all goes well."""
        self._tell("quiet")

    def state(self) -> dict[str, Any]:
        """Line items and results by sourcedId, and how often each kind of trouble struck."""
        found: dict[str, Any] = orjson.loads(self._tell("state"))
        return found

    def writes(self) -> list[dict[str, Any]]:
        """Every write so far: method, id, body, and the status of its answer; None where that was lost."""
        return [orjson.loads(line) for line in self.log.read_bytes().splitlines()]

    def _tell(self, command: str) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{command}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline()


@contextmanager
def disturbed_sis(more_pupils: int, log: Path) -> Iterator[DisturbedSis]:
    """The SIS of the small district with more pupils, as long as the block lasts."""
    log.touch()
    command = [sys.executable, "-m", "roster_pipeline_tests.grades.disturbed_sis", str(more_pupils), str(log)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield DisturbedSis(*process.stdout.readline().split(), process, log)
        process.stdin.close()


class _Disturbed(Fault, abstract=True):
    """Trouble by chance."""

    def __init__(self, seed: int, struck: Counter[str]) -> None:
        self._chance = random.Random(seed)
        self._struck = struck

    async def answer(self, call: Call) -> Response | None:
        if call.request.method != "GET" and self._strikes("busy"):
            status = self._chance.choice([429, 500, 503])
            raise RefusedError(StatusInfo(status, "server_busy", "try again"), {"Retry-After": "0"})
        return None

    def stores(self, call: Call, item: OneRosterObject | None) -> bool:  # noqa: ARG002 - all are handed the same
        if item is not None and self._strikes("refused"):
            raise unprocessable("locked for a moment")
        return True

    def change_response(self, call: Call, response: Response) -> Response:
        return CutResponse(response) if call.request.method != "GET" and self._strikes("lost") else response

    def _strikes(self, kind: str) -> bool:
        strikes = self._chance.randrange(1000) < PER_MILLE
        self._struck[kind] += strikes
        return strikes


class _Log(list[RecordedRequest]):
    """Keeps writes on disk, and nothing else."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND)

    def append(self, request: RecordedRequest) -> None:
        if request.method in {"PUT", "DELETE"}:
            line = {
                "method": request.method,
                "id": request.path.rsplit("/", 1)[-1],
                "body": next(iter(request.json.values())) if request.body else None,
                "status": request.status,
            }
            os.write(self._file, orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))


def _serve(more_pupils: int, log: str) -> None:
    struck: Counter[str] = Counter()
    with SandboxSis(small_district(more_pupils), faults=[CategoryOptional()]) as sis:
        sis.service.requests = _Log(log)
        sys.stdout.write(f"{sis.endpoint_url} {sis.token_url} {sis.client_id} {sis.client_secret}\n")
        sys.stdout.flush()
        for line in sys.stdin:
            command, *seeds = line.split()
            for fault in [fault for fault in sis.service.faults if isinstance(fault, _Disturbed)]:
                if command != "state":
                    sis.switch_off(fault)
            if command == "disturb":
                sis.switch_on(_Disturbed(int(seeds[0]), struck))
            answer = _state(sis, struck) if command == "state" else b"{}"
            sys.stdout.write(answer.decode() + "\n")
            sys.stdout.flush()


def _state(sis: SandboxSis, struck: Counter[str]) -> bytes:
    with sis.district.lock:
        items = {item.sourced_id: [item.title, item.result_value_max] for item in sis.district.all(LineItem).values()}
        results = {
            result.sourced_id: [
                result.line_item_sourced_id,
                result.student_sourced_id,
                result.score,
                result.score_status,
            ]
            for result in sis.district.all(Result).values()
        }
    return orjson.dumps({"items": items, "results": results, "struck": dict(struck)})


if __name__ == "__main__":
    _serve(int(sys.argv[1]), sys.argv[2])

"""A sandbox SIS in a process of its own, so that a measurement does not share its interpreter with what it measures."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from roster_pipeline.sandbox.generator import make_district
from roster_pipeline.sandbox.sis_server import SandboxSis


@dataclass(frozen=True)
class SisAddress:
    """Where the SIS is and how to get in."""

    endpoint_url: str
    token_url: str
    client_id: str
    client_secret: str


@contextmanager
def sis_process(students: int) -> Iterator[SisAddress]:
    """The SIS of a made-up district with so many pupils, as long as the block lasts."""
    command = [sys.executable, "-m", "roster_pipeline_tests.grades.sis_process", str(students)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield SisAddress(*process.stdout.readline().split())
        process.stdin.close()


def _serve(students: int) -> None:
    with SandboxSis(make_district(students, years=1)) as sis:
        # What was asked is of no interest here, and would only fill the memory.
        sis.service.requests = _Forgetful()
        sys.stdout.write(f"{sis.endpoint_url} {sis.token_url} {sis.client_id} {sis.client_secret}\n")
        sys.stdout.flush()
        sys.stdin.read()


class _Forgetful(list):  # type: ignore[type-arg]
    def append(self, _: object) -> None:
        """Keep nothing."""


if __name__ == "__main__":
    _serve(int(sys.argv[1]))

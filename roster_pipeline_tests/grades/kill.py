"""Ends an export in the middle as a signal does that no process survives."""

import os
from collections.abc import Generator
from contextlib import contextmanager

import pytest

from roster_pipeline.grades import journal


class Killed(BaseException):
    """Nothing of ours handles it."""


@contextmanager
def killed_after(outcomes: int) -> Generator[None]:
    """Let an export note so many outcomes, and end it in the middle of noting the next one.

    An export with fewer outcomes goes on to its own end.
    """
    noted = 0
    is_dead = False
    write, settle = os.write, journal.Journal.settle

    def write_or_die(descriptor: int, line: bytes) -> int:
        nonlocal noted, is_dead
        if noted >= outcomes:
            if not is_dead:
                is_dead = True
                write(descriptor, line[: len(line) // 2])
            raise Killed
        noted += 1
        return write(descriptor, line)

    def settle_alive(self: journal.Journal) -> None:
        if is_dead:
            raise Killed
        settle(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(journal.os, "write", write_or_die)
        patch.setattr(journal.Journal, "settle", settle_alive)
        yield

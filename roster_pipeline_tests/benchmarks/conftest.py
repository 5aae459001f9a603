"""Benchmarks have the machine to themselves."""

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """As many threads as in a district's night, and as in what it is measured against."""
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("ROSTER_THREADS", raising=False)
        yield

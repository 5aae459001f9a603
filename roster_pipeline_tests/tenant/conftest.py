"""A district delivered to a tenant, to look at from outside."""

from collections.abc import Iterator

import pytest

from roster_pipeline.brightspace import auth, connection
from roster_pipeline.sandbox.brightspace_server import SandboxBrightspace


@pytest.fixture(autouse=True)
def _quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting between tries is tested by what is tried, not by the clock."""
    for module in (auth, connection):
        monkeypatch.setattr(module, "_FIRST_WAIT", 0.01)


@pytest.fixture
def brightspace() -> Iterator[SandboxBrightspace]:
    """A tenant with small pages."""
    with SandboxBrightspace(page_size=2) as brightspace:
        yield brightspace

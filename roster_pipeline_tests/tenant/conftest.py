"""A district delivered to a tenant, to look at from outside."""

from collections.abc import Iterator

import pytest

from roster_pipeline.sandbox.brightspace_server import SandboxBrightspace


@pytest.fixture
def brightspace() -> Iterator[SandboxBrightspace]:
    """A tenant with small pages."""
    with SandboxBrightspace(page_size=2) as brightspace:
        yield brightspace

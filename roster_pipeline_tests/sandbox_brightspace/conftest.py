from collections.abc import Iterator

import pytest

from roster_pipeline.sandbox.brightspace_server import SandboxBrightspace

from .client import Client


@pytest.fixture
def brightspace() -> Iterator[SandboxBrightspace]:
    """A tenant with small pages."""
    with SandboxBrightspace(page_size=3) as brightspace:
        yield brightspace


@pytest.fixture
def client(brightspace: SandboxBrightspace) -> Iterator[Client]:
    client = Client(brightspace)
    with client.session:
        yield client

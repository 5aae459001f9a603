from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from roster_pipeline.brightspace.client import BrightspaceClient
from roster_pipeline.sandbox.brightspace_server import SandboxBrightspace
from roster_pipeline.settings.brightspace import SCOPES, Brightspace, RefreshToken

Connect = Callable[..., BrightspaceClient]


@pytest.fixture
def brightspace() -> Iterator[SandboxBrightspace]:
    """A tenant with small pages."""
    with SandboxBrightspace(page_size=3) as brightspace:
        yield brightspace


def settings_for(brightspace: SandboxBrightspace, **changes: Any) -> Brightspace:
    """Settings with a refresh token, and changed as given."""
    auth = RefreshToken(
        kind="refresh_token",
        token_url=brightspace.token_url,
        client_id=brightspace.client_id,
        client_secret=SecretStr(brightspace.client_secret),
        refresh_token=SecretStr(brightspace.refresh_token),
        scopes=changes.pop("scopes", SCOPES),
    )
    return Brightspace(url=brightspace.url, auth=auth, **{"calls_per_minute": 5000, "timeout_seconds": 10, **changes})


@pytest.fixture
def connect(brightspace: SandboxBrightspace, tmp_path: Path) -> Iterator[Connect]:
    """Makes a client of a tenant, of the fixture's unless told otherwise, with settings changed as given."""
    with ExitStack() as stack:

        def make(tenant: SandboxBrightspace = brightspace, **changes: Any) -> BrightspaceClient:
            settings = settings_for(tenant, **changes)
            return stack.enter_context(BrightspaceClient.connect(settings, tmp_path / "brightspace-token.json"))

        yield make


@pytest.fixture
def client(connect: Connect) -> BrightspaceClient:
    return connect()

"""The sandbox's Brightspace on loopback: `with SandboxBrightspace() as brightspace: …`."""

from collections.abc import Generator
from contextlib import contextmanager

from starlette.types import ASGIApp

from roster_pipeline.sandbox.background import BackgroundServer
from roster_pipeline.sandbox.brightspace.authorization import Application
from roster_pipeline.sandbox.brightspace.data_sets import DataSets
from roster_pipeline.sandbox.brightspace.faults import Fault
from roster_pipeline.sandbox.brightspace.rate_limit import RateLimit
from roster_pipeline.sandbox.brightspace.service import TOKEN_PATH, RecordedRequest, Service, all_scopes
from roster_pipeline.sandbox.brightspace_tenant import Tenant


class SandboxBrightspace(BackgroundServer):
    """A Brightspace tenant that answers as long as the `with` block lasts.

    Without a tenant an empty one is made, without a port a free one is taken. `latency` (seconds) holds back every
    answer. One application is registered with every scope; its secrets are made up.
    """

    def __init__(
        self,
        tenant: Tenant | None = None,
        *,
        port: int = 0,
        rate_limit: RateLimit | None = None,
        data_sets: DataSets | None = None,
        page_size: int = 100,
        latency: float = 0,
        token_life: float = 3600,
        client_id: str = "roster-pipeline",
        public_keys: dict[str, str] | None = None,
    ) -> None:
        self.tenant = tenant or Tenant()
        self.data_sets = data_sets or DataSets(self.tenant)
        self.rate_limit = rate_limit or RateLimit()
        self.application = Application(client_id, all_scopes(), public_keys=public_keys or {})
        self._page_size = page_size
        self._latency = latency
        self._token_life = token_life
        super().__init__(self._application, port)

    def _application(self, url: str) -> ASGIApp:
        self.service = Service(
            self.tenant,
            url,
            rate_limit=self.rate_limit,
            data_sets=self.data_sets,
            page_size=self._page_size,
            latency=self._latency,
            token_life=self._token_life,
        )
        self.service.authorization.register(self.application)
        return self.service.application()

    @property
    def token_url(self) -> str:
        return self.url + TOKEN_PATH

    @property
    def client_id(self) -> str:
        return self.application.client_id

    @property
    def client_secret(self) -> str:
        return self.application.client_secret

    @property
    def refresh_token(self) -> str:
        """The refresh token that is good now; every use makes another."""
        return self.application.refresh_token

    @property
    def requests(self) -> list[RecordedRequest]:
        """Every request so far, the token service's among them, in the order of their answers."""
        return list(self.service.requests)

    @contextmanager
    def fault(self, fault: Fault) -> Generator[Fault]:
        """Let a fault step in as long as the `with` block lasts."""
        self.service.faults.append(fault)
        try:
            yield fault
        finally:
            self.service.faults.remove(fault)

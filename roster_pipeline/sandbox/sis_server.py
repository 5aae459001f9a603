"""The sandbox's SIS on loopback: `with SandboxSis(make_district()) as sis: …`."""

import secrets
from collections.abc import Iterable

from starlette.types import ASGIApp

from roster_pipeline.sandbox.background import BackgroundServer
from roster_pipeline.sandbox.district import District
from roster_pipeline.sandbox.sis.authentication import Authentication
from roster_pipeline.sandbox.sis.faults import Fault
from roster_pipeline.sandbox.sis.recording import RecordedRequest
from roster_pipeline.sandbox.sis.service import NEXT_DAY_PATH, TOKEN_PATH, Service


class SandboxSis(BackgroundServer):
    """A OneRoster 1.1 SIS that serves `district` as long as the `with` block lasts.

    Without a port a free one is taken; without a secret one is made up.
    """

    def __init__(
        self,
        district: District,
        *,
        faults: Iterable[Fault] = (),
        port: int = 0,
        client_id: str = "brightspace",
        client_secret: str | None = None,
    ) -> None:
        self.district = district
        self._faults = tuple(faults)
        self.authentication = Authentication(client_id, client_secret or secrets.token_urlsafe(24))
        super().__init__(self._application, port)

    def _application(self, url: str) -> ASGIApp:
        self.service = Service(self.district, self.authentication, url, self._faults)
        return self.service.application()

    @property
    def endpoint_url(self) -> str:
        """Address of the service, up to and with the version."""
        return self.service.endpoint_url

    @property
    def token_url(self) -> str:
        return self.url + TOKEN_PATH

    @property
    def client_id(self) -> str:
        return self.authentication.client_id

    @property
    def client_secret(self) -> str:
        return self.authentication.client_secret

    @property
    def next_day_url(self) -> str:
        """A POST here lets a day pass at the district; see `next_day`."""
        return self.url + NEXT_DAY_PATH

    def switch_on(self, fault: Fault) -> None:
        """Let a fault step in from the next request on."""
        self.service.switch_on(fault)

    def switch_off(self, fault: Fault) -> None:
        """Let a fault no longer step in; what it changed in the service's set-up or in the data stays."""
        self.service.switch_off(fault)

    @property
    def requests(self) -> list[RecordedRequest]:
        """Every request so far, the token endpoint's among them, in the order of their answers."""
        return list(self.service.requests)

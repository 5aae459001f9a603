"""Fixtures for tests of the ways in."""

import itertools
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from roster_pipeline.sandbox.district import District
from roster_pipeline.sandbox.generator import make_district
from roster_pipeline.sandbox.sis_server import SandboxSis
from roster_pipeline_tests.oneroster.services import Handler, ScriptedServer, ScriptedService

StartSis = Callable[..., SandboxSis]
StartService = Callable[[Handler], ScriptedService]


@pytest.fixture
def district() -> District:
    """A district of the test's own."""
    return make_district(100)


@pytest.fixture
def start_sis(district: District) -> Iterator[StartSis]:
    """Starts a SIS with the faults given."""
    with ExitStack() as servers:
        yield lambda *faults: servers.enter_context(SandboxSis(district, faults=faults))


@pytest.fixture(scope="session")
def servers() -> Iterator[list[ScriptedServer]]:
    """Two servers, so that a service can lead to another host."""
    with ScriptedServer() as one, ScriptedServer() as other:
        yield [one, other]


@pytest.fixture
def start_service(servers: list[ScriptedServer]) -> StartService:
    """Starts a service that answers as the test's own function says, the next one on another host."""
    turns = itertools.cycle(servers)
    return lambda handler: next(turns).start(handler)


@pytest.fixture
def tls_service_url(tmp_path: Path) -> Iterator[str]:
    """The address of a service whose certificate nobody has signed."""
    key = tmp_path / "key.pem"
    certificate = tmp_path / "certificate.pem"
    write_self_signed(key, certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with QuietServer(("127.0.0.1", 0), socketserver.BaseRequestHandler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        yield f"https://127.0.0.1:{server.server_address[1]}/ims/oneroster/v1p1"
        server.shutdown()
        thread.join()


class QuietServer(socketserver.TCPServer):
    """A client that does not trust the certificate breaks the handshake off, which is no news here."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing."""


def write_self_signed(key_path: Path, certificate_path: Path) -> None:
    """A key and a certificate for it that no authority has signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    key_path.write_bytes(key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    certificate_path.write_bytes(certificate.public_bytes(encoding))

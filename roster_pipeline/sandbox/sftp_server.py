"""An SFTP server on loopback that offers one folder, as a SIS offers its nightly zip and Brightspace takes one in."""

import asyncio
import secrets
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

import asyncssh

from roster_pipeline.sandbox.background import LOOPBACK, START_TIMEOUT


class SandboxSftp:
    """Serves `folder` for reading and writing as long as the `with` block lasts.

    A client sees `folder` as the root and nothing outside of it. It gets in as `username` with `password` or with
    `private_key` (OpenSSH text), and can pin `host_key` (`ssh-ed25519 AAAA…`).
    """

    host = LOOPBACK
    username = "roster"

    def __init__(self, folder: Path, port: int = 0) -> None:
        self._folder = folder
        self.port = port
        self.password = secrets.token_urlsafe(16)
        self._host_key = asyncssh.generate_private_key("ssh-ed25519")
        self._client_key = asyncssh.generate_private_key("ssh-ed25519")
        self._connections: set[asyncssh.SSHServerConnection] = set()

    @property
    def host_key(self) -> str:
        """The server's public key, as a source file pins it."""
        return self._host_key.export_public_key().decode().strip()

    @property
    def known_hosts(self) -> str:
        """The line of an OpenSSH known_hosts file."""
        return f"[{self.host}]:{self.port} {self.host_key}\n"

    @property
    def private_key(self) -> str:
        """A client's private key that the server lets in."""
        return self._client_key.export_private_key().decode()

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="sftp server", daemon=True)
        self._thread.start()
        try:
            self._listener = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(START_TIMEOUT)
        except BaseException:
            self._stop_loop()
            raise
        self.port = self._listener.get_port()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(START_TIMEOUT)
        self._stop_loop()

    async def _listen(self) -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            self.host,
            self.port,
            server_factory=lambda: _Gate(self.username, self.password, self._client_key, self._connections),
            sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=str(self._folder).encode()),
            server_host_keys=[self._host_key],
            allow_scp=False,
        )

    async def _close(self) -> None:
        self._listener.close()
        for connection in list(self._connections):
            connection.abort()
        for connection in list(self._connections):
            await connection.wait_closed()
        await self._listener.wait_closed()

    def _stop_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class _Gate(asyncssh.SSHServer):
    """Lets in the one user, by password or by key, and keeps count of the connections."""

    def __init__(
        self,
        username: str,
        password: str,
        client_key: asyncssh.SSHKey,
        connections: set[asyncssh.SSHServerConnection],
    ) -> None:
        self._username = username
        self._password = password
        self._client_key = client_key
        self._connections = connections

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncssh names it
        self._connections.discard(self._connection)

    def begin_auth(self, username: str) -> bool:  # noqa: ARG002 - asyncssh names it
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return username == self._username and secrets.compare_digest(password, self._password)

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return username == self._username and key.public_data == self._client_key.public_data

"""One connection to an SFTP server whose host key is pinned, and trouble with it told with its remedy."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal, TypeVar

import asyncssh

from roster_pipeline.settings.connection import Sftp

CONNECT_SECONDS = 30
_TRIES = 3
#: Seconds before a connection that broke is tried again.
_PAUSE_SECONDS = 1.0

#: A connection that broke while it was in use; a new one may last.
_BROKEN = (asyncssh.ConnectionLost, asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection, ConnectionError)

Result = TypeVar("Result")


#: What a connection that does not work suffers from.
Trouble = Literal["unreachable", "host_key", "credentials", "folder", "service"]


class SftpConnectionError(Exception):
    """The server cannot be used. The message names it, the key of the source file, and the remedy; never a secret."""

    def __init__(self, message: str, trouble: Trouble) -> None:
        super().__init__(message)
        self.trouble: Trouble = trouble


def connected(settings: Sftp, section: str, work: Callable[[asyncssh.SFTPClient], Awaitable[Result]]) -> Result:
    """Do `work` over one connection, and once more from its start, up to twice, where the connection breaks.

    `section` is where `settings` stand in the source file, for the messages. Raises SftpConnectionError.
    """
    return asyncio.run(_with_retries(settings, section, work))


def address(settings: Sftp) -> str:
    """The server and its folder: `sftp://lms.example:22/inbound`."""
    return f"sftp://{settings.host}:{settings.port}/{settings.path.lstrip('/')}"


async def _with_retries(
    settings: Sftp, section: str, work: Callable[[asyncssh.SFTPClient], Awaitable[Result]]
) -> Result:
    for tries_left in reversed(range(_TRIES)):
        try:
            async with await _reach(settings, section) as connection, connection.start_sftp_client() as client:
                return await work(client)
        except _BROKEN as error:
            if not tries_left:
                raise _unreachable(settings, section, error) from None
            await asyncio.sleep(_PAUSE_SECONDS)
        except (asyncssh.DisconnectError, asyncssh.SFTPError, asyncssh.ChannelOpenError) as error:
            raise _explained(settings, section, error) from None
    raise AssertionError("the last try returns or raises")


async def _reach(settings: Sftp, section: str) -> asyncssh.SSHClientConnection:
    try:
        return await _sign_in(settings, section)
    except OSError as error:
        # Also a refused connection: only one that once stood is worth another try. Later on, an OSError may as well be
        # our own disk's.
        raise _unreachable(settings, section, error) from None


async def _sign_in(settings: Sftp, section: str) -> asyncssh.SSHClientConnection:
    return await asyncssh.connect(
        settings.host,
        settings.port,
        username=settings.username,
        password=settings.password.get_secret_value() if settings.password else None,
        client_keys=[_private_key(settings.private_key.get_secret_value(), section)] if settings.private_key else None,
        known_hosts=([_host_key(settings, section)], [], []),
        # Nothing of the machine's own account takes part: no configuration, no agent, no keys.
        config=None,
        agent_path=None,
        connect_timeout=CONNECT_SECONDS,
        login_timeout=CONNECT_SECONDS,
    )


def _host_key(settings: Sftp, section: str) -> asyncssh.SSHKey:
    text = settings.host_key.strip()
    # As ssh-keyscan prints it, the host comes first.
    for candidate in (text, text.partition(" ")[2]):
        try:
            return asyncssh.import_public_key(candidate)
        except asyncssh.KeyImportError:
            continue
    raise SftpConnectionError(
        f"{section}.host_key: is no public key. Write the server's key as in known_hosts: ssh-ed25519 AAAA…",
        "host_key",
    )


def _private_key(text: str, section: str) -> asyncssh.SSHKey:
    try:
        return asyncssh.import_private_key(text)
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError):
        raise SftpConnectionError(
            f"{section}.private_key: is no private key in OpenSSH or PEM form, or one with a passphrase. "
            "Set the variable to the key itself, without a passphrase.",
            "credentials",
        ) from None


def _unreachable(settings: Sftp, section: str, error: Exception) -> SftpConnectionError:
    return SftpConnectionError(
        f"{address(settings)}: no connection, or it broke ({error}). "
        f"Check {section}.host and {section}.port, the network and its firewall, or try later.",
        "unreachable",
    )


def _explained(settings: Sftp, section: str, error: Exception) -> SftpConnectionError:
    match error:
        case asyncssh.HostKeyNotVerifiable() | asyncssh.KeyExchangeFailed():
            return SftpConnectionError(
                f"{address(settings)}: shows another host key than {section}.host_key. Somebody may stand in between; "
                "ask the server's operator for its key, and pin the new one only if it was changed.",
                "host_key",
            )
        case asyncssh.PermissionDenied():
            return SftpConnectionError(
                f"{address(settings)}: refuses user {settings.username!r}. "
                f"Check {section}.username and its password or private_key.",
                "credentials",
            )
        case asyncssh.SFTPNoSuchFile() | asyncssh.SFTPNoSuchPath():
            return SftpConnectionError(f"{address(settings)}: is not there. Correct {section}.path.", "folder")
        case asyncssh.SFTPPermissionDenied():
            return SftpConnectionError(
                f"{address(settings)}: user {settings.username!r} may not use it. Have the server's operator allow it.",
                "folder",
            )
        case _:
            return SftpConnectionError(
                f"{address(settings)}: {error}. Ask the server's operator, or try later.", "service"
            )

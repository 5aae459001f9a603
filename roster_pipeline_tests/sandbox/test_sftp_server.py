import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from roster_pipeline.sandbox.sftp_server import SandboxSftp


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "secret.txt").write_text("outside")
    (tmp_path / "offered").mkdir()
    (tmp_path / "offered" / "maple.zip").write_bytes(b"a package")
    return tmp_path / "offered"


@pytest.fixture
def sftp(folder: Path) -> Iterator[SandboxSftp]:
    with SandboxSftp(folder) as server:
        yield server


def connect(sftp: SandboxSftp, **options: Any) -> Any:
    known = {
        "known_hosts": asyncssh.import_known_hosts(sftp.known_hosts),
        "username": sftp.username,
        "client_keys": None,
    }
    return asyncssh.connect(sftp.host, sftp.port, config=None, agent_path=None, **{**known, **options})


async def listing(sftp: SandboxSftp, folder: str = ".", **options: Any) -> set[str]:
    async with connect(sftp, **options) as connection, connection.start_sftp_client() as client:
        return set(await client.listdir(folder)) - {".", ".."}


def test_a_password_lets_in(sftp: SandboxSftp) -> None:
    assert asyncio.run(listing(sftp, password=sftp.password)) == {"maple.zip"}


def test_a_private_key_lets_in(sftp: SandboxSftp) -> None:
    key = asyncssh.import_private_key(sftp.private_key)

    assert asyncio.run(listing(sftp, client_keys=[key])) == {"maple.zip"}


@pytest.mark.parametrize("credential", ["password", "key", "username"])
def test_a_wrong_credential_does_not_let_in(sftp: SandboxSftp, credential: str) -> None:
    wrong: dict[str, dict[str, Any]] = {
        "password": {"password": "guess"},
        "key": {"client_keys": [asyncssh.generate_private_key("ssh-ed25519")]},
        "username": {"username": "root", "password": sftp.password},
    }
    with pytest.raises(asyncssh.PermissionDenied):
        asyncio.run(listing(sftp, **wrong[credential]))


def test_the_host_key_can_be_pinned(sftp: SandboxSftp) -> None:
    pinned = asyncssh.import_public_key(sftp.host_key)
    other = asyncssh.generate_private_key("ssh-ed25519")

    assert asyncio.run(listing(sftp, known_hosts=([pinned], [], []), password=sftp.password)) == {"maple.zip"}
    with pytest.raises(asyncssh.HostKeyNotVerifiable):
        asyncio.run(listing(sftp, known_hosts=([other], [], []), password=sftp.password))


@pytest.mark.parametrize("path", ["/..", "/../..", "../"])
def test_nothing_outside_of_the_folder_is_seen(sftp: SandboxSftp, path: str) -> None:
    assert asyncio.run(listing(sftp, path, password=sftp.password)) == {"maple.zip"}


def test_files_are_read_and_written(sftp: SandboxSftp, folder: Path) -> None:
    async def copy() -> bytes:
        async with connect(sftp, password=sftp.password) as connection, connection.start_sftp_client() as client:
            async with client.open("maple.zip", "rb") as source:
                content: bytes = await source.read()
            async with client.open("copy.tmp", "wb") as target:
                await target.write(content)
            await client.posix_rename("copy.tmp", "copy.zip")
            return content

    assert asyncio.run(copy()) == b"a package"
    assert (folder / "copy.zip").read_bytes() == b"a package"


def test_the_server_ends_with_its_block_even_when_a_client_stays(folder: Path) -> None:
    async def stay() -> None:
        with SandboxSftp(folder) as sftp:
            connection = await connect(sftp, password=sftp.password)
        await connection.wait_closed()
        with pytest.raises(OSError):  # noqa: PT011 - which one depends on the machine
            await connect(sftp, password=sftp.password)

    asyncio.run(stay())


def test_each_server_has_its_own_secrets(sftp: SandboxSftp, folder: Path) -> None:
    with SandboxSftp(folder) as other:
        assert other.port != sftp.port
        assert other.password != sftp.password
        assert other.host_key != sftp.host_key

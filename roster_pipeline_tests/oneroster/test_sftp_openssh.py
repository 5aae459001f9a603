"""The SFTP source against OpenSSH's own server, where it is installed."""

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import asyncssh
import pytest
from pydantic import SecretStr

from roster_pipeline.oneroster.csv_bundle import CsvBundle
from roster_pipeline.oneroster.sftp import SftpError, SftpSource
from roster_pipeline.settings.connection import Sftp
from roster_pipeline_tests.oneroster.tables import extract_of, tables_of
from roster_pipeline_tests.oneroster.test_csv_bundle import zipped
from roster_pipeline_tests.roster_files import RosterFiles

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
START_TIMEOUT = 10.0

pytestmark = pytest.mark.skipif(SSHD is None, reason="OpenSSH's server is not installed")


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Sftp]:
    """The connection to a server that lets in this machine's user with a key, and shows that user's files."""
    host_key = asyncssh.generate_private_key("ssh-ed25519")
    client_key = asyncssh.generate_private_key("ssh-ed25519")
    host_key.write_private_key(tmp_path / "host_key")
    (tmp_path / "host_key").chmod(0o600)
    client_key.write_public_key(tmp_path / "authorized_keys")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {tmp_path}/host_key\nPidFile none\nUsePAM no\nStrictModes no\n"
        f"AuthorizedKeysFile {tmp_path}/authorized_keys\nPermitRootLogin yes\nPasswordAuthentication no\n"
        "KbdInteractiveAuthentication no\nSubsystem sftp internal-sftp\n"
    )
    if os.geteuid() == 0:
        # Where the server's unprivileged half lives; a system that has never started the server lacks it.
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    assert SSHD is not None
    server = subprocess.Popen([SSHD, "-D", "-f", tmp_path / "sshd_config"], stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield Sftp(
            kind="sftp",
            host="127.0.0.1",
            port=port,
            username=getpass.getuser(),
            private_key=SecretStr(client_key.export_private_key().decode()),
            host_key=host_key.export_public_key().decode().strip(),
            path=str(tmp_path / "remote"),
        )
    finally:
        server.terminate()
        server.wait()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError(f"sshd does not listen on port {port}")


def test_the_newest_zip_is_read(settings: Sftp, files: RosterFiles, tmp_path: Path) -> None:
    remote = tmp_path / "remote"
    remote.mkdir()
    path = zipped(files.write(tmp_path / "package"), remote / "roster-20261002.zip")
    (remote / "roster-20261001.zip").write_bytes(b"an old one that nobody reads")
    source = SftpSource(settings, poll_seconds=0.01)
    assert [bundle.name for bundle in source.list_bundles()] == ["roster-20261001.zip", "roster-20261002.zip"]
    extracted = extract_of(source, tmp_path / "extract")
    assert tables_of(extracted) == tables_of(extract_of(CsvBundle(path), tmp_path / "local"))


def test_another_host_key_is_refused(settings: Sftp) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    with pytest.raises(SftpError, match="shows another host key"):
        SftpSource(settings.model_copy(update={"host_key": other})).list_bundles()


def test_another_user_key_is_refused(settings: Sftp) -> None:
    other = SecretStr(asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode())
    with pytest.raises(SftpError, match="refuses user"):
        SftpSource(settings.model_copy(update={"private_key": other})).list_bundles()


def test_a_folder_that_is_not_there_is_told(settings: Sftp) -> None:
    with pytest.raises(SftpError, match="is not there"):
        SftpSource(settings).list_bundles()

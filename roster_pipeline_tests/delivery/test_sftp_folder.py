"""Route `sftp` against a real SSH server: what lies in the folder, and what a cut connection leaves."""

import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from roster_pipeline.delivery.bundle_route import DeliveryError
from roster_pipeline.sandbox.sftp_server import SandboxSftp
from roster_pipeline_tests.pipeline import Pipeline
from roster_pipeline_tests.roster_files import RosterFiles


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    """The folder that Brightspace polls."""
    folder = tmp_path / "remote" / "inbound"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def server(remote: Path) -> Iterator[SandboxSftp]:
    """Brightspace's SFTP site."""
    with SandboxSftp(remote.parent) as server:
        yield server


@pytest.fixture
def deliver_to(server: SandboxSftp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Pipeline]:
    """Makes a pipeline that delivers to the site, with changes to `delivery` and `delivery.sftp`."""
    monkeypatch.setenv("LMS_PASSWORD", server.password)

    def make(sftp: dict[str, Any] | None = None, **delivery: Any) -> Pipeline:
        site = {
            "kind": "sftp",
            "host": server.host,
            "port": server.port,
            "username": server.username,
            "password": "${LMS_PASSWORD}",
            "host_key": server.host_key,
            "path": "inbound",
            **(sftp or {}),
        }
        settings = {"route": "sftp", "wait_minutes": 0, "sftp": site, **delivery}
        return Pipeline(tmp_path / "home", {"delivery": settings, "safety": {"ignore_below": 100}})

    return make


def _change(files: RosterFiles) -> RosterFiles:
    files.user("nia", "student", ["oak"])
    return files


def _staged(pipeline: Pipeline) -> list[Path]:
    return [path for path in pipeline.home.outbox("maple").rglob("*") if path.is_file()]


@pytest.mark.parametrize("version", ["2.0", "2.1", "3.0"])
def test_the_bundle_arrives_under_its_final_name_alone(
    deliver_to: Callable[..., Pipeline], remote: Path, files: RosterFiles, version: str
) -> None:
    pipeline = deliver_to(standard_csv_version=version)
    pipeline.night(files)
    (bundle,) = remote.iterdir()
    assert bundle.name.startswith("D2LStdCSV-")
    assert bundle.suffix == ".zip"
    with zipfile.ZipFile(bundle) as archive:
        assert archive.testzip() is None
        assert f'"{version}"' in archive.read("manifest.json").decode()
    assert len(pipeline.mappings("user")) == 5
    assert {row["route"] for row in pipeline.rows("sync.audit_log")} == {"sftp"}
    assert not _staged(pipeline), "nothing of a delivered bundle stays behind"


def test_a_second_bundle_is_not_sent_before_the_first_was_taken(
    deliver_to: Callable[..., Pipeline], remote: Path, files: RosterFiles
) -> None:
    pipeline = deliver_to()
    pipeline.night(files)
    (first,) = remote.iterdir()
    with pytest.raises(DeliveryError, match="still lies there after 0 minutes"):
        pipeline.night(_change(files))
    assert list(remote.iterdir()) == [first]
    assert "nia" not in pipeline.mappings("user")
    first.unlink()
    pipeline.night()
    (second,) = remote.iterdir()
    assert second.name > first.name
    assert "nia" in pipeline.mappings("user")


def test_a_bundle_waits_for_the_one_before_it(
    deliver_to: Callable[..., Pipeline], remote: Path, files: RosterFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = deliver_to(wait_minutes=5)
    pipeline.night(files)
    (first,) = remote.iterdir()
    # Brightspace takes it while the pipeline sleeps between two looks.
    monkeypatch.setattr(time, "sleep", lambda _: first.unlink())
    pipeline.night(_change(files))
    (second,) = remote.iterdir()
    assert second.name > first.name


def test_another_host_key_is_refused(deliver_to: Callable[..., Pipeline], remote: Path, files: RosterFiles) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    pipeline = deliver_to({"host_key": other})
    with pytest.raises(DeliveryError, match=r"another host key than delivery\.sftp\.host_key"):
        pipeline.night(files)
    assert not list(remote.iterdir())
    assert not pipeline.mappings("user")


def test_a_wrong_password_is_not_told(
    deliver_to: Callable[..., Pipeline], files: RosterFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LMS_PASSWORD", "wrong-secret-of-the-test")
    with pytest.raises(DeliveryError, match="refuses user 'roster'") as caught:
        deliver_to().night(files)
    assert "wrong-secret" not in str(caught.value)


def test_a_private_key_gets_in(
    deliver_to: Callable[..., Pipeline],
    server: SandboxSftp,
    remote: Path,
    files: RosterFiles,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LMS_KEY", server.private_key)
    deliver_to({"password": None, "private_key": "${LMS_KEY}"}).night(files)
    assert len(list(remote.iterdir())) == 1


def test_a_folder_that_is_not_there_is_named(deliver_to: Callable[..., Pipeline], files: RosterFiles) -> None:
    with pytest.raises(DeliveryError, match=r"/nowhere: is not there\. Correct delivery\.sftp\.path"):
        deliver_to({"path": "nowhere"}).night(files)


class CutServer(asyncssh.SFTPServer):  # type: ignore[misc]
    """An SFTP server whose connections break at a moment of the test's choice, a number of times."""

    cut_before_write = 0
    cut_before_rename = 0
    cut_after_rename = 0
    take_after_rename = False

    def write(self, file_obj: Any, offset: int, data: bytes) -> int:
        if CutServer.cut_before_write:
            CutServer.cut_before_write -= 1
            super().write(file_obj, offset, data[: len(data) // 2])
            self._cut()
        written: int = super().write(file_obj, offset, data)
        return written

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        if CutServer.cut_before_rename:
            CutServer.cut_before_rename -= 1
            self._cut()
        super().rename(oldpath, newpath)
        if CutServer.take_after_rename:
            Path(self.map_path(newpath).decode()).unlink()
        if CutServer.cut_after_rename:
            CutServer.cut_after_rename -= 1
            self._cut()

    def _cut(self) -> None:
        self.channel.get_connection().abort()
        raise asyncssh.SFTPFailure("cut")


@pytest.fixture
def cut(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Makes the server one whose connections break; returns what sets when."""
    monkeypatch.setattr("roster_pipeline.sftp._PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(asyncssh, "SFTPServer", CutServer)
    return monkeypatch


@pytest.mark.parametrize("moment", ["cut_before_write", "cut_before_rename", "cut_after_rename"])
@pytest.mark.parametrize("taken", [False, True])
def test_a_connection_that_breaks_once_is_made_up_for(
    cut: pytest.MonkeyPatch,
    deliver_to: Callable[..., Pipeline],
    remote: Path,
    files: RosterFiles,
    moment: str,
    taken: bool,
) -> None:
    cut.setattr(CutServer, moment, 1)
    cut.setattr(CutServer, "take_after_rename", taken)
    pipeline = deliver_to()
    pipeline.night(files)
    assert len(list(remote.iterdir())) == (0 if taken else 1)
    assert len(pipeline.mappings("user")) == 5
    assert pipeline.night().delta["users"] == {}


@pytest.mark.parametrize("moment", ["cut_before_write", "cut_before_rename"])
def test_what_never_got_its_name_is_sent_anew(
    cut: pytest.MonkeyPatch, deliver_to: Callable[..., Pipeline], remote: Path, files: RosterFiles, moment: str
) -> None:
    cut.setattr(CutServer, moment, 99)
    pipeline = deliver_to()
    with pytest.raises(DeliveryError, match="no connection, or it broke"):
        pipeline.night(files)
    assert not pipeline.mappings("user")
    cut.setattr(CutServer, moment, 0)
    pipeline.night()
    (bundle,) = remote.iterdir()
    assert bundle.suffix == ".zip"
    assert len(pipeline.mappings("user")) == 5


@pytest.mark.parametrize("taken", [False, True])
def test_what_got_its_name_unseen_is_not_sent_again(
    cut: pytest.MonkeyPatch, deliver_to: Callable[..., Pipeline], remote: Path, files: RosterFiles, taken: bool
) -> None:
    cut.setattr(CutServer, "cut_after_rename", 1)
    cut.setattr(CutServer, "take_after_rename", taken)
    cut.setattr("roster_pipeline.sftp._TRIES", 1)
    pipeline = deliver_to()
    with pytest.raises(DeliveryError):
        pipeline.night(files)
    names = [path.name for path in remote.iterdir()]
    night = pipeline.night()
    assert not any(night.delta.values())
    assert [path.name for path in remote.iterdir()] == names
    assert len(pipeline.mappings("user")) == 5
    assert {row["state"] for row in pipeline.rows("sync.deliveries")} == {"confirmed"}


def test_an_open_outcome_is_looked_for_where_it_was_left(
    cut: pytest.MonkeyPatch, deliver_to: Callable[..., Pipeline], remote: Path, files: RosterFiles
) -> None:
    cut.setattr(CutServer, "cut_after_rename", 1)
    cut.setattr("roster_pipeline.sftp._TRIES", 1)
    with pytest.raises(DeliveryError):
        deliver_to().night(files)
    (remote.parent / "elsewhere").mkdir()
    with pytest.raises(DeliveryError, match="Put the old place back"):
        deliver_to({"path": "elsewhere"}).night()
    deliver_to().night()
    assert len(deliver_to().mappings("user")) == 5

import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from roster_pipeline.oneroster import sftp
from roster_pipeline.oneroster.archive import sha256
from roster_pipeline.oneroster.csv_bundle import CsvBundle
from roster_pipeline.oneroster.extract import ExtractError
from roster_pipeline.oneroster.resources import ROSTER_RESOURCES
from roster_pipeline.oneroster.sftp import SftpError, SftpSource, stamp_of
from roster_pipeline.sandbox.sftp_server import SandboxSftp
from roster_pipeline.settings.connection import Sftp
from roster_pipeline_tests.oneroster.tables import by_id, extract_of, is_empty, no_progress, tables_of
from roster_pipeline_tests.oneroster.test_csv_bundle import zipped
from roster_pipeline_tests.roster_files import RosterFiles

MODIFIED = "2026-10-02T03:00:00.000Z"


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    folder = tmp_path / "remote"
    folder.mkdir()
    return folder


@pytest.fixture
def server(remote: Path) -> Iterator[SandboxSftp]:
    with SandboxSftp(remote) as running:
        yield running


def settings_of(server: SandboxSftp, **changes: object) -> Sftp:
    values: dict[str, object] = {
        "kind": "sftp",
        "host": server.host,
        "port": server.port,
        "username": server.username,
        "password": SecretStr(server.password),
        "host_key": server.host_key,
    }
    return Sftp.model_validate({key: value for key, value in {**values, **changes}.items() if value is not None})


def source(server: SandboxSftp, previous: Path | None = None, processed: tuple[str, ...] = ()) -> SftpSource:
    return SftpSource(settings_of(server), previous, processed, poll_seconds=0.01)


def pack(files: RosterFiles, path: Path, modified: datetime | None = None) -> Path:
    """Write the files as a zip."""
    folder = path.parent.parent / f"unpacked-{path.name}"
    zipped(files.write(folder), path)
    if modified is not None:
        os.utime(path, (modified.timestamp(), modified.timestamp()))
    return path


def refused(source: SftpSource, tmp_path: Path) -> ExtractError:
    destination = tmp_path / "refused"
    destination.mkdir()
    with pytest.raises(ExtractError) as caught:
        source.extract(destination, no_progress)
    assert is_empty(destination)
    return caught.value


def test_the_zip_is_read_as_its_folder(server: SandboxSftp, remote: Path, files: RosterFiles, tmp_path: Path) -> None:
    path = pack(files, remote / "roster.zip")
    extracted = extract_of(source(server), tmp_path / "extract")
    assert tables_of(extracted) == tables_of(extract_of(CsvBundle(path), tmp_path / "local"))
    assert extracted.package_hash == sha256(path)
    assert {path.name for path in (tmp_path / "extract").iterdir()} == {
        f"{resource.name}.parquet" for resource in ROSTER_RESOURCES
    }


def test_nothing_on_the_server_changes(server: SandboxSftp, remote: Path, files: RosterFiles, tmp_path: Path) -> None:
    path = pack(files, remote / "roster.zip")
    before = path.read_bytes(), path.stat().st_mtime_ns
    extract_of(source(server), tmp_path / "extract")
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert [entry.name for entry in remote.iterdir()] == ["roster.zip"]


def test_with_a_private_key(server: SandboxSftp, remote: Path, files: RosterFiles) -> None:
    pack(files, remote / "roster.zip")
    settings = settings_of(server, password=None, private_key=SecretStr(server.private_key))
    assert [bundle.name for bundle in SftpSource(settings).list_bundles()] == ["roster.zip"]


def test_a_host_key_may_be_a_known_hosts_line(server: SandboxSftp) -> None:
    assert SftpSource(settings_of(server, host_key=server.known_hosts)).list_bundles() == []


def test_listing_is_oldest_first_and_passes_over_what_is_no_zip(server: SandboxSftp, remote: Path) -> None:
    for name in ("b.zip", "A.ZIP", "c.zip.tmp", "c.zip.filepart", ".hidden.zip", "readme.txt"):
        (remote / name).write_bytes(b"12345")
    (remote / "folder.zip").mkdir()
    os.utime(remote / "b.zip", (100, 100))
    os.utime(remote / "A.ZIP", (200, 200))
    bundles = source(server).list_bundles()
    assert [bundle.name for bundle in bundles] == ["b.zip", "A.ZIP"]
    assert bundles[0].size == 5
    assert bundles[0].modified == datetime.fromtimestamp(100, UTC)


@pytest.mark.parametrize(
    ("name", "stamp"),
    [
        ("roster-20261001.zip", datetime(2026, 10, 1, tzinfo=UTC)),
        ("2026-10-01.zip", datetime(2026, 10, 1, tzinfo=UTC)),
        ("roster_20261001T020304.zip", datetime(2026, 10, 1, 2, 3, 4, tzinfo=UTC)),
        ("roster_2026-10-01_02-03.zip", datetime(2026, 10, 1, 2, 3, tzinfo=UTC)),
        ("20261001020304.zip", datetime(2026, 10, 1, 2, 3, 4, tzinfo=UTC)),
        ("district-20269999.zip", None),
        ("roster.zip", None),
        ("district-1234567890123456789.zip", None),
    ],
)
def test_time_stamps_in_names(name: str, stamp: datetime | None) -> None:
    assert stamp_of(name) == stamp


def test_the_newest_by_its_name_is_read(server: SandboxSftp, remote: Path, files: RosterFiles, tmp_path: Path) -> None:
    files.change("orgs", "elm", name="Newest")
    pack(files, remote / "roster-20261002.zip", datetime(2026, 1, 1, tzinfo=UTC))
    files.change("orgs", "elm", name="Oldest")
    pack(files, remote / "roster-20261001.zip", datetime(2026, 2, 1, tzinfo=UTC))
    tables = tables_of(extract_of(source(server), tmp_path / "extract"))
    assert by_id(tables["orgs"])["elm"]["name"] == "Newest"


def test_the_newest_by_its_time_is_read(server: SandboxSftp, remote: Path, files: RosterFiles, tmp_path: Path) -> None:
    files.change("orgs", "elm", name="Newest")
    pack(files, remote / "a.zip", datetime(2026, 2, 1, tzinfo=UTC))
    files.change("orgs", "elm", name="Oldest")
    pack(files, remote / "b.zip", datetime(2026, 1, 1, tzinfo=UTC))
    tables = tables_of(extract_of(source(server), tmp_path / "extract"))
    assert by_id(tables["orgs"])["elm"]["name"] == "Newest"


def test_an_upload_is_waited_for(server: SandboxSftp, remote: Path, files: RosterFiles, tmp_path: Path) -> None:
    whole = pack(files, tmp_path / "roster.zip").read_bytes()
    path = remote / "roster.zip"
    path.write_bytes(b"")
    done = threading.Event()

    def upload() -> None:
        with path.open("ab", buffering=0) as file:
            for start in range(0, len(whole), len(whole) // 20 + 1):
                file.write(whole[start : start + len(whole) // 20 + 1])
                done.wait(0.02)

    uploading = threading.Thread(target=upload)
    uploading.start()
    settings = settings_of(server)
    extracted = extract_of(SftpSource(settings, poll_seconds=0.2), tmp_path / "extract")
    uploading.join()
    assert extracted.package_hash == sha256(path)


def test_an_upload_without_an_end_is_refused(
    server: SandboxSftp, remote: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sftp, "MAX_LOOKS", 3)
    path = remote / "roster.zip"
    path.write_bytes(b"")
    stop = threading.Event()

    def grow() -> None:
        with path.open("ab", buffering=0) as file:
            while not stop.wait(0.002):
                file.write(b"x")

    growing = threading.Thread(target=grow)
    growing.start()
    destination = tmp_path / "extract"
    destination.mkdir()
    try:
        with pytest.raises(SftpError, match="keeps changing; its upload does not end"):
            SftpSource(settings_of(server), poll_seconds=0.1).extract(destination, no_progress)
    finally:
        stop.set()
        growing.join()


@pytest.mark.parametrize(
    ("changes", "diagnosis", "said"),
    [
        pytest.param({"password": SecretStr("wrong")}, "credentials", "refuses user 'roster'", id="password"),
        pytest.param({"username": "nobody"}, "credentials", "refuses user 'nobody'", id="user"),
        pytest.param({"path": "missing"}, "folder", "missing: is not there. Correct connection.path", id="path"),
        pytest.param({"port": 9}, "unreachable", "Check connection.host and connection.port", id="port"),
        pytest.param({"host_key": "nonsense"}, "host_key", "connection.host_key: is no public key", id="no host key"),
        pytest.param(
            {"password": None, "private_key": SecretStr("nonsense")},
            "credentials",
            "connection.private_key: is no private key",
            id="no private key",
        ),
    ],
)
def test_what_is_wrong_is_said(server: SandboxSftp, changes: dict[str, object], diagnosis: str, said: str) -> None:
    with pytest.raises(SftpError, match=said) as caught:
        SftpSource(settings_of(server, **changes), poll_seconds=0.01).list_bundles()
    assert caught.value.diagnosis == diagnosis
    assert server.password not in str(caught.value)


def test_another_host_key_is_refused_before_the_password_is_sent(server: SandboxSftp, tmp_path: Path) -> None:
    with (
        SandboxSftp(tmp_path) as other,
        pytest.raises(SftpError, match=r"shows another host key than connection.host_key") as caught,
    ):
        SftpSource(settings_of(server, host_key=other.host_key)).list_bundles()
    assert caught.value.diagnosis == "host_key"


def test_an_empty_folder_is_refused(server: SandboxSftp, tmp_path: Path) -> None:
    assert "holds no *.zip" in str(refused(source(server), tmp_path))


def test_what_the_reader_of_zips_refuses_is_refused(server: SandboxSftp, remote: Path, tmp_path: Path) -> None:
    (remote / "roster.zip").write_bytes(b"PK nonsense")
    assert "no whole zip" in str(refused(source(server), tmp_path))


def test_too_large_a_zip_is_not_fetched(
    server: SandboxSftp, remote: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sftp, "MAX_ZIP_BYTES", 10)
    (remote / "roster.zip").write_bytes(b"x" * 11)
    assert "more than a roster can have" in str(refused(source(server), tmp_path))


class Chain:
    """A bulk zip and three deltas on the server, each of which renames Elm and adds a pupil."""

    def __init__(self, remote: Path, files: RosterFiles) -> None:
        self.zips = [pack(files, remote / "roster-20261001.zip")]
        for day in (2, 3, 4):
            delta = RosterFiles()
            delta.modes = {resource.name: "absent" for resource in ROSTER_RESOURCES} | {
                "orgs": "delta",
                "users": "delta",
            }
            delta.org("elm", "school", f"Elm of day {day}", status="active", dateLastModified=MODIFIED)
            delta.user(f"new-{day}", "student", ["elm"], status="active", dateLastModified=MODIFIED)
            self.zips.append(pack(delta, remote / f"roster-2026100{day}.zip"))


@pytest.fixture
def chain(remote: Path, files: RosterFiles) -> Chain:
    return Chain(remote, files)


def assert_day_4(extract_folder_tables: dict[str, list[dict[str, object]]]) -> None:
    assert by_id(extract_folder_tables["orgs"])["elm"]["name"] == "Elm of day 4"
    users = by_id(extract_folder_tables["users"])
    assert {"new-2", "new-3", "new-4", "sam"} <= set(users)
    assert len(extract_folder_tables["enrollments"]) == 6


def test_deltas_are_laid_over_the_last_bulk_in_order(server: SandboxSftp, chain: Chain, tmp_path: Path) -> None:
    extracted = extract_of(source(server), tmp_path / "extract")
    assert_day_4(tables_of(extracted))
    assert extracted.package_hash == sha256(chain.zips[-1])
    assert extracted.resources["users"].mode == "delta"


def test_deltas_go_on_from_the_last_processed(server: SandboxSftp, chain: Chain, tmp_path: Path) -> None:
    extract_of(CsvBundle(chain.zips[0]), tmp_path / "day-1")
    extract_of(CsvBundle(chain.zips[1], tmp_path / "day-1"), tmp_path / "day-2")
    hashes = tuple(map(sha256, chain.zips[:2]))
    extracted = extract_of(source(server, tmp_path / "day-2", hashes), tmp_path / "extract")
    assert_day_4(tables_of(extracted))


def test_the_newest_is_read_again_when_it_is_processed(server: SandboxSftp, chain: Chain, tmp_path: Path) -> None:
    first = extract_of(source(server), tmp_path / "once")
    hashes = tuple(map(sha256, chain.zips))
    again = extract_of(source(server, tmp_path / "once", hashes), tmp_path / "again")
    assert {name: by_id(rows) for name, rows in tables_of(again).items()} == {
        name: by_id(rows) for name, rows in tables_of(first).items()
    }


def test_a_delta_without_a_bulk_is_refused(server: SandboxSftp, chain: Chain, tmp_path: Path) -> None:
    chain.zips[0].unlink()
    assert "there is no earlier whole extract of orgs" in str(refused(source(server), tmp_path))

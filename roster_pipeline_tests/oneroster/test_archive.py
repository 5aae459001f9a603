import stat
import zipfile
from pathlib import Path

import pytest

from roster_pipeline.oneroster import archive
from roster_pipeline.oneroster.archive import open_package, sha256
from roster_pipeline.oneroster.extract import ExtractError


def zip_of(path: Path, entries: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as packed:
        for name, content in entries.items():
            packed.writestr(name, content)
    return path


def names(path: Path) -> frozenset[str]:
    with open_package(path) as package:
        return package.names()


def refused(path: Path) -> str:
    with pytest.raises(ExtractError) as caught, open_package(path):
        pass
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_files_of_a_folder_in_any_letter_case(tmp_path: Path) -> None:
    (tmp_path / "Manifest.CSV").write_bytes(b"abc")
    (tmp_path / "more").mkdir()
    with open_package(tmp_path) as package:
        assert package.names() == {"manifest.csv"}
        assert package.size("manifest.csv") == 3
        with package.open("manifest.csv") as file:
            assert file.read() == b"abc"
        assert package.describe("manifest.csv") == str(tmp_path / "Manifest.CSV")


def test_files_of_a_zip_in_any_letter_case(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.zip", {"Manifest.CSV": b"abc"})
    with open_package(path) as package:
        assert package.names() == {"manifest.csv"}
        assert package.size("manifest.csv") == 3
        with package.open("manifest.csv") as file:
            assert file.read() == b"abc"
        assert package.findings == []


def test_the_one_folder_of_a_zip_is_stripped_with_a_finding(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.zip", {"export/": b"", "export/manifest.csv": b"", "export/sub/orgs.csv": b""})
    with open_package(path) as package:
        assert package.names() == {"manifest.csv"}
        assert [finding.code for finding in package.findings] == ["container.folder_in_zip"]


def test_what_a_mac_adds_is_passed_over(tmp_path: Path) -> None:
    entries = {"orgs.csv": b"", "__MACOSX/._orgs.csv": b"", ".DS_Store": b""}
    path = zip_of(tmp_path / "a.zip", entries)
    with open_package(path) as package:
        assert package.names() == {"orgs.csv"}
        assert package.findings == []


@pytest.mark.parametrize("twin", ["Orgs.csv", "ORGS.CSV"])
def test_two_files_of_one_name_are_refused(tmp_path: Path, twin: str) -> None:
    path = zip_of(tmp_path / "a.zip", {"orgs.csv": b"", twin: b""})
    assert "same file to OneRoster" in refused(path)
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "orgs.csv").touch()
    (folder / twin).touch()
    assert "same file to OneRoster" in refused(folder)


def test_two_entries_of_one_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("orgs.csv", b"1")
        with pytest.warns(UserWarning, match="Duplicate name"):
            packed.writestr("orgs.csv", b"2")
    assert "same file to OneRoster" in refused(path)


@pytest.mark.parametrize("name", ["../orgs.csv", "a/../../orgs.csv", "/etc/orgs.csv", "C:/orgs.csv", "a\\..\\orgs.csv"])
def test_names_that_lead_out_are_refused(tmp_path: Path, name: str) -> None:
    path = zip_of(tmp_path / "a.zip", {"manifest.csv": b"", name: b""})
    assert "points outside of the zip" in refused(path)


def test_symbolic_links_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    link = zipfile.ZipInfo("users.csv")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr(link, "/etc/passwd")
    assert "is a symbolic link" in refused(path)


def test_encrypted_entries_are_refused(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.zip", {"users.csv": b"content"}, zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    # Bit 0 of the general purpose flags, in the entry's local header and in the central directory.
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    assert "is encrypted" in refused(path)


def test_an_entry_that_explodes_is_refused(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.zip", {"users.csv": b"0" * (archive.RATIO_COUNTS_FROM_BYTES + 1)})
    assert "times as many" in refused(path)


def test_too_many_entries_are_refused(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.zip", {f"{number}.csv": b"" for number in range(archive.MAX_ENTRIES + 1)})
    assert "it holds 1,001 entries" in refused(path)


def test_too_much_in_all_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_UNPACKED_BYTES", 100)
    path = zip_of(tmp_path / "a.zip", {"users.csv": b"0" * 60, "orgs.csv": b"0" * 60})
    assert "it unpacks to 120 bytes" in refused(path)


def test_a_cut_zip_is_refused(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.zip", {"users.csv": b"0" * 1000})
    path.write_bytes(path.read_bytes()[:-30])
    assert "no whole zip" in refused(path)


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(b"\x89PNG\r\n")
    assert "no whole zip" in refused(path)


def test_an_unknown_compression_is_refused(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.zip", {"users.csv": b"content"}, zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 10] = 97
    content[8] = 97
    path.write_bytes(content)
    with open_package(path) as package, pytest.raises(ExtractError, match="cannot be unpacked"):
        package.open("users.csv")


def test_nothing_there(tmp_path: Path) -> None:
    assert "there is no such folder or zip" in refused(tmp_path / "nothing")


def test_hash_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    assert sha256(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

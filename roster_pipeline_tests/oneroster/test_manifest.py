from pathlib import Path

import pytest

from roster_pipeline.oneroster.archive import open_package
from roster_pipeline.oneroster.extract import ExtractError
from roster_pipeline.oneroster.manifest import Manifest, read_manifest
from roster_pipeline_tests.roster_files import RosterFiles


def read(folder: Path) -> Manifest:
    with open_package(folder) as package:
        return read_manifest(package)


@pytest.fixture
def folder(files: RosterFiles, tmp_path: Path) -> Path:
    return files.write(tmp_path / "package")


def rewrite(folder: Path, old: str, new: str) -> None:
    """Change text in the manifest that must be there."""
    path = folder / "manifest.csv"
    text = path.read_bytes().decode()
    assert old in text
    path.write_bytes(text.replace(old, new).encode())


def test_modes_are_those_of_the_manifest(folder: Path) -> None:
    rewrite(folder, "file.users,bulk", "file.users,delta")
    manifest = read(folder)
    assert manifest.modes["users"] == "delta"
    assert manifest.modes["orgs"] == "bulk"
    assert manifest.findings == []


def test_keys_that_rostering_does_not_need_are_no_finding(folder: Path) -> None:
    with (folder / "manifest.csv").open("a") as file:
        file.write("source.systemName,Maple SIS\r\nsource.systemCode,maple\r\n")
    assert read(folder).findings == []


@pytest.mark.parametrize("version", ["1.1", "1.1.0", "v1p1", "V1.1"])
def test_version_1_1_in_any_spelling(folder: Path, version: str) -> None:
    rewrite(folder, "oneroster.version,1.1", f"oneroster.version,{version}")
    assert read(folder).modes["users"] == "bulk"


@pytest.mark.parametrize("version", ["1.2", "1.0", "1", "2.0", ""])
def test_other_versions_are_refused_by_name(folder: Path, version: str) -> None:
    rewrite(folder, "oneroster.version,1.1", f"oneroster.version,{version}")
    with pytest.raises(ExtractError, match=rf"manifest.csv: oneroster.version: '{version}'.*Have the SIS export"):
        read(folder)


def test_no_manifest_is_one_of_version_1_0(folder: Path) -> None:
    (folder / "manifest.csv").unlink()
    with pytest.raises(ExtractError, match=r"manifest.csv: is missing. OneRoster 1.0 .* not supported"):
        read(folder)


def test_no_manifest_but_roles_is_one_of_version_1_2(folder: Path) -> None:
    (folder / "manifest.csv").unlink()
    (folder / "roles.csv").write_text("sourcedId\n")
    with pytest.raises(ExtractError, match=r"OneRoster 1.2, which is not supported"):
        read(folder)


def test_folder_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").write_bytes(b"")
    with pytest.raises(ExtractError, match=r"no OneRoster file is there either \(found: holiday.jpg\)"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("manifest.version", "mainfest.version", id="letters swapped"),
        pytest.param("manifest.version", "manifestVersion", id="no dot"),
        pytest.param("file.users", "users", id="without file."),
        pytest.param("file.academicSessions", "file.academicsessions", id="small letters"),
    ],
)
def test_misspelt_keys_are_understood(folder: Path, old: str, new: str) -> None:
    rewrite(folder, old, new)
    manifest = read(folder)
    assert set(manifest.modes.values()) == {"bulk"}
    assert [finding.code for finding in manifest.findings] == ["container.manifest_key_misspelt"]


def test_header_repeated_as_data_is_passed_over(folder: Path) -> None:
    rewrite(folder, "propertyName,value\r\n", "propertyName,value\r\npropertyName,value\r\n")
    assert read(folder).findings == []


def test_byte_order_mark_quotes_and_blanks_are_passed_over(folder: Path) -> None:
    lines = (folder / "manifest.csv").read_text().split()
    quoted = "\n".join(",".join(f'" {cell} "' for cell in line.split(",")) for line in lines)
    (folder / "manifest.csv").write_text("\ufeff" + quoted + "\n\n", encoding="utf-8")
    manifest = read(folder)
    assert set(manifest.modes.values()) == {"bulk"}
    assert manifest.findings == []


def test_modes_in_capitals_are_understood(folder: Path) -> None:
    rewrite(folder, "file.users,bulk", "file.users,BULK")
    assert read(folder).modes["users"] == "bulk"


def test_unknown_key_is_a_finding(folder: Path) -> None:
    rewrite(folder, "manifest.version", "file.robots,bulk\r\nmanifest.version")
    assert [(each.code, each.detail) for each in read(folder).findings] == [
        ("container.manifest_key_unknown", "file.robots")
    ]


def test_key_that_is_not_there_counts_as_absent(folder: Path) -> None:
    rewrite(folder, "file.courses,bulk\r\n", "")
    manifest = read(folder)
    assert manifest.modes["courses"] == "absent"
    assert [(each.code, each.kind) for each in manifest.findings] == [
        ("container.manifest_key_missing", "course"),
        ("container.not_listed", "course"),
    ]


def test_file_that_is_there_but_absent_is_a_finding(folder: Path) -> None:
    rewrite(folder, "file.courses,bulk", "file.courses,absent")
    manifest = read(folder)
    assert manifest.modes["courses"] == "absent"
    assert [(each.code, each.detail) for each in manifest.findings] == [("container.not_listed", "courses.csv")]


def test_file_that_is_promised_but_missing_stops(folder: Path) -> None:
    (folder / "courses.csv").unlink()
    with pytest.raises(ExtractError, match=r"file.courses: bulk promises courses.csv, which is not in the package"):
        read(folder)


def test_unknown_mode_stops(folder: Path) -> None:
    rewrite(folder, "file.courses,bulk", "file.courses,full")
    with pytest.raises(ExtractError, match=r"file.courses: 'full' must be absent, bulk or delta"):
        read(folder)


def test_key_with_two_values_stops(folder: Path) -> None:
    rewrite(folder, "file.courses,bulk", "file.courses,bulk\r\nfile.courses,delta")
    with pytest.raises(ExtractError, match=r"file.courses stands there twice, as 'bulk' and 'delta'"):
        read(folder)


@pytest.mark.parametrize("content", [b"", b"\xff\xfeb\0u\0", b"name,mode\nfile.users,bulk\n", b"x" * 2_000_000])
def test_what_is_no_manifest_stops(folder: Path, content: bytes) -> None:
    (folder / "manifest.csv").write_bytes(content)
    with pytest.raises(ExtractError, match=r"manifest.csv: (must begin with|is not written in UTF-8|has more than)"):
        read(folder)

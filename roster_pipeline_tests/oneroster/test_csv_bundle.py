"""Faults of CSV packages: each is either read to the same tables as the package without it, or refused whole."""

import re
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from roster_pipeline.oneroster.csv_bundle import CsvBundle
from roster_pipeline.oneroster.extract import Extract, ExtractError
from roster_pipeline.oneroster.resources import ROSTER_RESOURCES
from roster_pipeline_tests.oneroster.tables import Tables, by_id, codes, extract_of, is_empty, no_progress, tables_of
from roster_pipeline_tests.roster_files import RosterFiles

Rewrite = Callable[[bytes], bytes]


@pytest.fixture
def package(files: RosterFiles, tmp_path: Path) -> Path:
    """A package with every kind of value, as a folder."""
    files.change("users", "sam", userIds=["{LDAP:sam}", "{SIS:7}"], grades=["03"], phone='say "hi", then', email=None)
    files.change("users", "sue", familyName="Ñandú 学生", **{"metadata.homeroom": "Room 5"})
    files.change("classes", "lit-1", grades=["01", "02"], subjects=["Art", "Music"], periods=["1", "3", "5"])
    return files.write(tmp_path / "package")


@pytest.fixture
def faultless(package: Path, tmp_path: Path) -> Tables:
    """What is read of the package as it stands."""
    return tables_of(extract_of(CsvBundle(package), tmp_path / "faultless"))


def extract(path: Path, tmp_path: Path) -> Extract:
    return extract_of(CsvBundle(path), tmp_path / "extract")


def refused(path: Path, tmp_path: Path) -> str:
    """The message of a package that is refused and leaves nothing behind."""
    destination = tmp_path / "refused"
    destination.mkdir()
    with pytest.raises(ExtractError) as caught:
        CsvBundle(path).extract(destination, no_progress)
    assert is_empty(destination)
    return str(caught.value)


def rewrite(package: Path, name: str, change: Rewrite) -> None:
    """Change a file's bytes."""
    before = (package / name).read_bytes()
    after = change(before)
    assert after != before
    (package / name).write_bytes(after)


def zipped(package: Path, path: Path, prefix: str = "") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for file in sorted(package.iterdir()):
            packed.write(file, prefix + file.name)
    return path


def test_values_of_every_kind(faultless: Tables) -> None:
    users = by_id(faultless["users"])
    assert users["sam"]["userIds"] == ["LDAP:sam", "SIS:7"]
    assert users["sam"]["grades"] == ["03"]
    assert users["sam"]["phone"] == 'say "hi", then'
    assert users["sam"]["email"] is None
    assert users["sam"]["agentSourcedIds"] == ["gus"]
    assert users["sam"]["metadata"] is None
    assert users["sue"]["familyName"] == "Ñandú 学生"
    assert users["sue"]["metadata"] == '{"homeroom":"Room 5"}'
    assert users["sue"]["userIds"] == []
    assert users["pat"]["orgSourcedIds"] == ["district", "oak"]
    classes = by_id(faultless["classes"])
    assert classes["lit-1"]["periods"] == ["1", "3", "5"]
    assert classes["lit-2"]["termSourcedIds"] == ["fall", "spring"]
    assert classes["math-1"]["subjects"] == []


def test_order_is_that_of_the_feed(files: RosterFiles, faultless: Tables) -> None:
    for resource in ROSTER_RESOURCES:
        assert [row["sourcedId"] for row in faultless[resource.name]] == list(files.rows[resource.name])


def test_a_zip_is_read_as_its_folder_and_has_a_hash(package: Path, tmp_path: Path, faultless: Tables) -> None:
    extracted = extract(zipped(package, tmp_path / "package.zip"), tmp_path)
    assert tables_of(extracted) == faultless
    assert extracted.findings == []
    assert extracted.package_hash is not None
    assert len(extracted.package_hash) == 64


def test_a_folder_has_no_hash(package: Path, tmp_path: Path) -> None:
    assert extract(package, tmp_path).package_hash is None


def test_files_are_private(package: Path, tmp_path: Path) -> None:
    extracted = extract(package, tmp_path)
    modes = {stat.S_IMODE(resource.path.stat().st_mode) for resource in extracted.resources.values()}
    assert modes == {0o600}


def test_only_the_six_files_are_left(package: Path, tmp_path: Path) -> None:
    extract(package, tmp_path)
    assert {path.name for path in (tmp_path / "extract").iterdir()} == {
        f"{resource.name}.parquet" for resource in ROSTER_RESOURCES
    }


def test_progress_is_told(package: Path, tmp_path: Path) -> None:
    told: dict[str, int] = {}
    destination = tmp_path / "extract"
    destination.mkdir()
    CsvBundle(package).extract(destination, lambda resource, rows, _: told.update({resource: rows}))
    assert told["users"] == 5
    assert set(told) == {resource.name for resource in ROSTER_RESOURCES}


def test_the_password_is_never_written(package: Path, tmp_path: Path, faultless: Tables) -> None:
    def with_password(content: bytes) -> bytes:
        header, *rows = content.splitlines()
        return b"\r\n".join([header + b",password", *(row + b",hunter2-secret" for row in rows)]) + b"\r\n"

    rewrite(package, "users.csv", with_password)
    extracted = extract(package, tmp_path)
    assert tables_of(extracted) == faultless
    for path in (tmp_path / "extract").rglob("*"):
        assert b"hunter2" not in path.read_bytes()
    # Parquet compresses pages; what it holds is in the tables, which are equal, and in the statistics, which are not
    # compressed and were looked through above.


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda content: b"\xef\xbb\xbf" + content, id="byte-order mark"),
        pytest.param(lambda content: content.replace(b"\r\n", b"\n"), id="LF"),
        pytest.param(lambda content: content.replace(b"\r\n", b"\n", 2), id="CRLF and LF"),
        pytest.param(lambda content: content.removesuffix(b"\r\n"), id="no end of the last line"),
        pytest.param(lambda content: content.replace(b"\r\n", b"\r\n\r\n"), id="blank lines"),
        pytest.param(lambda content: b"\r\n" + content, id="blank first line"),
    ],
)
@pytest.mark.parametrize("name", ["users.csv", "orgs.csv"])
def test_accepted_without_a_word(package: Path, tmp_path: Path, faultless: Tables, name: str, change: Rewrite) -> None:
    rewrite(package, name, change)
    extracted = extract(package, tmp_path)
    assert tables_of(extracted) == faultless
    assert extracted.findings == []
    assert not extracted.resources[name.removesuffix(".csv")].unstable


@pytest.mark.parametrize(
    ("name", "change", "code"),
    [
        pytest.param("orgs.csv", lambda content: content.replace(b"\r\n", b"\r"), "container.line_ends", id="bare CR"),
        pytest.param(
            "users.csv",
            lambda content: content.replace(b"familyName", b"FamilyName"),
            "container.header_case",
            id="letters of a name",
        ),
        pytest.param(
            "classes.csv",
            lambda content: content.replace(b"termSourcedIds", b"termSourcedId"),
            "container.header_alias",
            id="name of 1.0",
        ),
    ],
)
def test_accepted_with_a_finding(
    package: Path, tmp_path: Path, faultless: Tables, name: str, change: Rewrite, code: str
) -> None:
    rewrite(package, name, change)
    extracted = extract(package, tmp_path)
    assert tables_of(extracted) == faultless
    assert [finding.code for finding in extracted.findings] == [code]


def test_columns_in_another_order_are_accepted(package: Path, tmp_path: Path, faultless: Tables) -> None:
    def reversed_columns(content: bytes) -> bytes:
        return b"\r\n".join(b",".join(line.split(b",")[::-1]) for line in content.splitlines()) + b"\r\n"

    rewrite(package, "enrollments.csv", reversed_columns)
    extracted = extract(package, tmp_path)
    assert tables_of(extracted) == faultless
    assert codes(extracted) == [("container.header_order", "enrollment")]


def test_files_in_a_folder_of_the_zip_are_accepted(package: Path, tmp_path: Path, faultless: Tables) -> None:
    extracted = extract(zipped(package, tmp_path / "package.zip", prefix="Export 1/"), tmp_path)
    assert tables_of(extracted) == faultless
    assert codes(extracted) == [("container.folder_in_zip", "package")]


def test_file_names_in_capitals_are_accepted(package: Path, tmp_path: Path, faultless: Tables) -> None:
    (package / "users.csv").rename(package / "USERS.CSV")
    extracted = extract(package, tmp_path)
    assert tables_of(extracted) == faultless
    assert extracted.findings == []


def test_blanks_around_items_of_a_list_are_no_part_of_them(package: Path, tmp_path: Path, faultless: Tables) -> None:
    rewrite(package, "classes.csv", lambda content: content.replace(b'"fall,spring"', b'" fall , spring ,"'))
    assert tables_of(extract(package, tmp_path)) == faultless


def test_a_line_without_rows_is_an_empty_set(package: Path, tmp_path: Path, faultless: Tables) -> None:
    rewrite(package, "enrollments.csv", lambda content: content.split(b"\r\n")[0] + b"\r\n")
    extracted = extract(package, tmp_path)
    assert tables_of(extracted) == {**faultless, "enrollments": []}
    assert codes(extracted) == [("container.empty", "enrollment")]
    assert extracted.resources["enrollments"].mode == "bulk"


def test_what_is_absent_is_an_empty_file(files: RosterFiles, tmp_path: Path) -> None:
    files.modes["courses"] = "absent"
    extracted = extract(files.write(tmp_path / "package"), tmp_path)
    assert tables_of(extracted)["courses"] == []
    assert extracted.resources["courses"].mode == "absent"
    assert extracted.findings == []


def test_a_file_that_is_not_listed_is_passed_over(package: Path, tmp_path: Path, faultless: Tables) -> None:
    rewrite(package, "manifest.csv", lambda content: content.replace(b"file.courses,bulk", b"file.courses,absent"))
    extracted = extract(package, tmp_path)
    assert tables_of(extracted) == {**faultless, "courses": []}
    assert codes(extracted) == [("container.not_listed", "course")]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        pytest.param(b"bad,,,Elm", "row.ragged", id="too few cells"),
        pytest.param(b"bad,,,Elm,school,,district,more,and more", "row.ragged", id="too many cells"),
        pytest.param(b'bad,,,"Elm" Street,school,,district', "row.quoting", id="text behind a quote"),
        pytest.param(
            b"bad,,," + b"x" * 3_000_000 + b",school,,district", "row.too_long", id="longer than a row can be"
        ),
    ],
)
def test_a_bad_row_costs_only_itself(package: Path, tmp_path: Path, faultless: Tables, row: bytes, code: str) -> None:
    def with_row(content: bytes) -> bytes:
        header, first, *rest = content.split(b"\r\n")
        return b"\r\n".join([header, first, row, *rest])

    rewrite(package, "orgs.csv", with_row)
    extracted = extract(package, tmp_path)
    assert tables_of(extracted) == faultless
    assert [(each.code, each.kind, each.sourced_id) for each in extracted.findings] == [(code, "org", "bad")]
    assert "line 3" in extracted.findings[0].detail
    # Who is missing from such a file may stand in the row that could not be read.
    assert extracted.resources["orgs"].unstable
    assert not extracted.resources["users"].unstable


def test_an_open_quote_costs_the_rows_it_swallows(package: Path, tmp_path: Path, faultless: Tables) -> None:
    def with_rows(content: bytes) -> bytes:
        header, rest = content.split(b"\r\n", 1)
        return b"\r\n".join([header, b'bad,,,"Elm,school,,district', b'good,,,"Oak",school,,district', rest])

    rewrite(package, "orgs.csv", with_rows)
    extracted = extract(package, tmp_path)
    assert tables_of(extracted) == faultless
    assert [(each.code, each.detail) for each in extracted.findings] == [("row.quoting", "lines 2 to 3")]
    assert extracted.resources["orgs"].unstable


def test_a_quoted_line_break_is_kept_and_told(package: Path, tmp_path: Path, faultless: Tables) -> None:
    rewrite(package, "orgs.csv", lambda content: content.replace(b"Elm Elementary", b'"Elm\r\nElementary"'))
    extracted = extract(package, tmp_path)
    orgs = tables_of(extracted)["orgs"]
    assert by_id(orgs)["elm"]["name"] == "Elm\nElementary"
    assert len(orgs) == len(faultless["orgs"])
    assert [(each.code, each.sourced_id) for each in extracted.findings] == [("row.line_break", "elm")]
    assert extracted.resources["orgs"].unstable


def test_two_stray_quotes_that_hide_a_row_are_told(package: Path, tmp_path: Path) -> None:
    def with_rows(content: bytes) -> bytes:
        header, rest = content.split(b"\r\n", 1)
        rows = [b'one,,,"Elm,school,,district', b'two,,,Oak",school,,district']
        return b"\r\n".join([header, *rows, rest])

    rewrite(package, "orgs.csv", with_rows)
    extracted = extract(package, tmp_path)
    assert [(each.code, each.sourced_id) for each in extracted.findings] == [("row.line_break", "one")]
    assert extracted.resources["orgs"].unstable


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(lambda content: content.decode().encode("utf-16"), "UTF-16", id="UTF-16"),
        pytest.param(
            lambda content: content.replace(b"Family sam", "Féval".encode("cp1252")),
            "line 2 .*Windows-1252",
            id="cp1252",
        ),
        pytest.param(lambda content: content.split(b"\r\n", 1)[1], "the header lacks", id="no header"),
        pytest.param(lambda _: b"", "the header lacks", id="empty file"),
        pytest.param(lambda content: content.replace(b",", b";"), "separated by semicolons", id="semicolons"),
        pytest.param(
            lambda content: content + b'x,,,true,elm,student,"open' + b"\r\nmore" * 200,
            "a quote opened on line 7 is never closed",
            id="quote never closed",
        ),
        pytest.param(lambda content: content + b"x\r\n" * 3_000, "rows or more do not fit the header of", id="no CSV"),
    ],
)
def test_a_broken_file_refuses_the_package(package: Path, tmp_path: Path, change: Rewrite, said: str) -> None:
    rewrite(package, "users.csv", change)
    message = refused(package, tmp_path)
    assert message.startswith(f"{package / 'users.csv'}: ")
    assert re.search(said, message)


def test_a_damaged_zip_refuses_the_package(package: Path, tmp_path: Path) -> None:
    path = zipped(package, tmp_path / "package.zip")
    with zipfile.ZipFile(path) as packed:
        entry = packed.getinfo("users.csv")
    content = bytearray(path.read_bytes())
    middle = entry.header_offset + 30 + len("users.csv") + entry.compress_size // 2
    content[middle : middle + 8] = b"\0" * 8
    path.write_bytes(content)
    assert f"{path}:users.csv: is cut off or damaged" in refused(path, tmp_path)


def test_an_entry_that_is_longer_than_stated_is_not_read_on(package: Path, tmp_path: Path) -> None:
    path = zipped(package, tmp_path / "package.zip")
    content = bytearray(path.read_bytes())
    name = content.rindex(b"orgs.csv")
    # The unpacked size in the central directory stands 22 bytes before the name's end of its 46-byte header.
    content[name - 22 : name - 18] = (20).to_bytes(4, "little")
    path.write_bytes(content)
    assert "orgs.csv: " in refused(path, tmp_path)


def test_messages_hold_nothing_of_pupils(package: Path, tmp_path: Path) -> None:
    rewrite(
        package, "users.csv", lambda content: content + b'sid-1,,,true,elm,student,"Zoe" Secret\r\nsid-2,Zoe Secret\r\n'
    )
    extracted = extract(package, tmp_path)
    assert len(extracted.findings) == 2
    assert "Secret" not in repr(extracted.findings)

import pytest

from roster_pipeline.oneroster.csv_header import Header, check_encoding, read_header
from roster_pipeline.oneroster.extract import ExtractError
from roster_pipeline.oneroster.resources import CLASSES, COURSES, ORGS, ROSTER_RESOURCES, USERS, Resource

ORGS_HEADER = "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId"
USERS_HEADER = (
    "sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,userIds,givenName,familyName,"
    "middleName,identifier,email,sms,phone,agentSourcedIds,grades,password"
)


def header_of(resource: Resource, text: str) -> Header:
    return read_header(resource, "orgs.csv", text.encode())


def findings_of(header: Header) -> list[tuple[str, str]]:
    return [(finding.code, finding.detail) for finding in header.findings]


@pytest.mark.parametrize("resource", ROSTER_RESOURCES, ids=lambda resource: resource.name)
def test_the_standards_header_is_read_without_a_word(resource: Resource) -> None:
    header = header_of(resource, ",".join(field.name for field in resource.fields))
    assert list(header.fields) == [field.name for field in resource.fields]
    assert header.findings == []


def test_columns_are_found_by_name_in_any_order() -> None:
    names = ORGS_HEADER.split(",")[::-1]
    header = header_of(ORGS, ",".join(names))
    assert header.fields == {name: index for index, name in enumerate(names)}
    assert findings_of(header) == [("container.header_order", "orgs.csv")]


def test_quoted_names() -> None:
    header = header_of(ORGS, ",".join(f'"{name}"' for name in ORGS_HEADER.split(",")))
    assert header.fields["name"] == 3
    assert header.findings == []


def test_names_in_other_letters_are_read_with_a_finding() -> None:
    header = header_of(ORGS, ORGS_HEADER.replace("sourcedId,", "SOURCEDID,"))
    assert header.fields["sourcedId"] == 0
    assert findings_of(header) == [("container.header_case", "'SOURCEDID', read as sourcedId")]


@pytest.mark.parametrize("invisible", ["\u200b", "\ufeff", "\u00a0", " "])
def test_invisible_characters_in_names_are_read_with_a_finding(invisible: str) -> None:
    header = header_of(ORGS, ORGS_HEADER.replace("name", f"{invisible}name{invisible}", 1))
    assert header.fields["name"] == 3
    assert [code for code, _ in findings_of(header)] == ["container.header_case"]


@pytest.mark.parametrize(
    ("resource", "old", "name"),
    [
        (COURSES, "schoolYearId", "schoolYearSourcedId"),
        (CLASSES, "grade", "grades"),
        (USERS, "agents", "agentSourcedIds"),
    ],
)
def test_names_of_version_1_0_are_read_with_a_finding(resource: Resource, old: str, name: str) -> None:
    names = [old if field.name == name else field.name for field in resource.fields]
    header = header_of(resource, ",".join(names))
    assert header.fields[name] == names.index(old)
    assert findings_of(header) == [("container.header_alias", f"{old!r}, read as {name}")]


def test_singular_term_is_read_with_a_finding() -> None:
    text = ",".join(field.name for field in CLASSES.fields).replace("termSourcedIds", "termSourcedId")
    header = header_of(CLASSES, text)
    assert "termSourcedIds" in header.fields
    assert [code for code, _ in findings_of(header)] == ["container.header_alias"]


def test_extensions_are_metadata() -> None:
    header = header_of(ORGS, ORGS_HEADER + ",metadata.calendar,metadata.ic.id")
    assert header.extensions == {"calendar": 7, "ic.id": 8}
    assert header.findings == []


def test_other_columns_are_metadata_with_a_finding() -> None:
    header = header_of(ORGS, ORGS_HEADER + ",colour")
    assert header.extensions == {"colour": 7}
    assert findings_of(header) == [("container.unknown_column", "colour")]


def test_the_password_is_dropped() -> None:
    header = header_of(USERS, USERS_HEADER)
    assert header.width == 18
    assert 17 not in {*header.fields.values(), *header.extensions.values()}
    assert header.findings == []


def test_other_passwords_are_dropped_with_a_finding() -> None:
    header = header_of(USERS, USERS_HEADER + ",metadata.studentPassword")
    assert header.extensions == {}
    assert findings_of(header) == [("container.password_dropped", "metadata.studentPassword")]


def test_nameless_columns_are_dropped() -> None:
    header = header_of(ORGS, ORGS_HEADER + ",")
    assert header.width == 8
    assert header.extensions == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(ORGS_HEADER + ",name", "names name twice, in columns 4 and 8", id="twice"),
        pytest.param(ORGS_HEADER + ",NAME", "names name twice", id="twice in other letters"),
        pytest.param(ORGS_HEADER + ",metadata.a,metadata.a", "names metadata.a twice", id="extension twice"),
        pytest.param("sourcedId,name", "lacks status, dateLastModified, type", id="columns missing"),
        pytest.param("", "lacks sourcedId", id="empty"),
        pytest.param("id-1,,,Elm,school,0501,district", "lacks sourcedId", id="no header"),
        pytest.param(ORGS_HEADER.replace(",", ";"), "separated by semicolons", id="semicolons"),
        pytest.param(ORGS_HEADER.replace(",", "\t"), "separated by tabs", id="tabs"),
        pytest.param(ORGS_HEADER + ",pronouns", "is one of OneRoster 1.2", id="version 1.2"),
    ],
)
def test_what_is_not_the_header_stops(text: str, said: str) -> None:
    with pytest.raises(ExtractError, match=rf"orgs.csv: .*{said}.*Have the SIS"):
        header_of(ORGS, text)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_stops(encoding: str) -> None:
    with pytest.raises(ExtractError, match=r"UTF-16, not in UTF-8. Have the SIS export UTF-8"):
        check_encoding("orgs.csv", ORGS_HEADER.encode(encoding))


def test_the_byte_order_mark_is_passed_over() -> None:
    assert check_encoding("orgs.csv", b"\xef\xbb\xbfsourcedId") == b"sourcedId"


def test_windows_1252_stops() -> None:
    with pytest.raises(ExtractError, match=r"line 1 is not written in UTF-8, probably in Windows-1252"):
        read_header(ORGS, "orgs.csv", (ORGS_HEADER + ",métadonnée").encode("cp1252"))

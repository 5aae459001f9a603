"""Takes a Standard CSV bundle apart and checks it the way Brightspace's validation mode does.

Classes of error are those of D2L's articles on import errors; the checks those of its validation mode.
"""

import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path, PurePosixPath

#: Characters that validation mode refuses in what identifies an org unit, and in what identifies a user.
ORG_UNIT_FORBIDDEN = frozenset(":%&#*?<>|\\\"',")
USER_FORBIDDEN = frozenset("\\/:*?\"<>|',;")
CODE_LENGTH = 50

_ORG_UNIT_COLUMNS: list[str] = [
    "type", "action", "code", "name", "start_date", "end_date",
    "is_active", "department_code", "template_code", "semester_code", "offering_code", "custom_code",
]  # fmt: skip
_USER_COLUMNS: list[str] = [
    "type", "action", "username", "org_defined_id", "first_name", "last_name",
    "password", "is_active", "role_name", "email", "relationships", "pref_first_name",
    "pref_last_name",
]  # fmt: skip
_ENROLLMENT_COLUMNS: list[str] = ["type", "action", "child_code", "role_name", "parent_code"]  # fmt: skip
#: Version -> columns beyond those of 2.0, of org unit files and of the users file.
_LATER_COLUMNS: dict[str, tuple[list[str], list[str]]] = {
    "2.0": ([], []),
    "2.1": ([], ["sort_last_name"]),
    "3.0": (["discover"], ["sort_last_name", "pronouns"]),
}
#: File -> the type of its rows; the rows of Other have a custom org unit type.
_TYPES: dict[str, str | None] = {
    "Other": None,
    "Departments": "department",
    "Semesters": "semester",
    "Templates": "course template",
    "Offerings": "course offering",
    "Sections": "course section",
    "Users": "user",
    "Enrollments": "enrollment",
}
#: `01 - Other - 2026….csv`, and the older `0-Other….csv`.
_FILE_NAME = re.compile(rf"(?:\d\d - ({'|'.join(_TYPES)}) - .+|\d-({'|'.join(_TYPES)})\b.*)\.csv")
_RECORD = re.compile(r'(?:[^",]*|"[^"]*")(?:,(?:[^",]*|"[^"]*"))*')
_FIELD = re.compile(r'(?:^|,)(?:"([^"]*)"|([^",]*))')
_REQUIRED = {
    "Users": ("type", "username", "org_defined_id", "first_name", "last_name", "is_active", "role_name"),
    "Enrollments": ("type", "child_code", "role_name", "parent_code"),
}
_LENGTHS = {
    "name": 128,
    "username": 256,
    "org_defined_id": 256,
    "child_code": 256,
    "first_name": 64,
    "last_name": 64,
    "password": 50,
}
_CODES = ("code", "department_code", "template_code", "semester_code", "offering_code", "parent_code")


class ErrorClass(StrEnum):
    """What the error log says."""

    RECORD_LENGTH = "malformed CSV - record length"
    OPENING_QUOTE = "malformed CSV - opening quote"
    ENCODING = "file is not UTF-8"
    FILE_NAME = "file name not recognised"
    MANIFEST = "manifest missing or wrong"
    DATE = "bad org unit start/end date"
    VALUE = "value of the wrong format"
    MISSING = "missing required column(s)"
    RELATIONSHIPS = "relationships separator"
    FORBIDDEN = "forbidden characters or blanks"
    USER_FORBIDDEN = "OrgDefinedId contains invalid characters"
    NO_ORG_UNIT_MAPPING = "no org unit mapping for the source system"
    NO_PARENT_MAPPING = "parent org unit mapping not found"
    NO_USER_MAPPING = "no user mapping"
    NO_ROLE_MAPPING = "no role mapping"
    NO_TYPE_MAPPING = "no mapping for type"
    ORG_UNIT_GONE = "org unit of the enrollment not found"
    USER_NOT_CREATED = "user cannot be created"
    USER_NOT_SAVED = "user profile cannot be saved"
    USER_CLAIMED = "unique key violation on user mappings"
    USER_GONE = "mapped to an invalid LMS user id"
    ORG_UNIT_NOT_SAVED = "org unit cannot be saved"


@dataclass(frozen=True)
class LogEntry:
    """One line of the error log. `key` is the code or org-defined id of the row, empty for a whole file."""

    error: ErrorClass
    file: str
    line: int
    key: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Row:
    """One line of a file, by column; empty values are empty text."""

    file: str
    """`Sections`"""
    line: int
    action: str
    """UPDATE or DELETE: a missing record that is updated is created."""
    values: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.values.get(column, "")

    @property
    def key(self) -> str:
        return self["code"] or self["org_defined_id"] or f"{self['child_code']}|{self['parent_code']}"

    @property
    def parent_codes(self) -> list[str]:
        single = (self["department_code"], self["template_code"], self["semester_code"], self["offering_code"])
        return [code for code in (*single, *self["custom_code"].split("|")) if code]


@dataclass(frozen=True)
class Bundle:
    """The good rows of a bundle in the order in which they are applied, and what is wrong with the others."""

    rows: list[Row]
    errors: list[LogEntry]


def read_bundle(path: Path) -> Bundle:
    """Take a bundle apart. Files come by the alphabet of their names, rows from top to bottom."""
    errors: list[LogEntry] = []
    rows: list[Row] = []
    if path.suffix != ".zip" or not zipfile.is_zipfile(path):
        return Bundle([], [LogEntry(ErrorClass.FILE_NAME, path.name, 0, detail="not a .zip")])
    with zipfile.ZipFile(path) as archive:
        names = sorted(archive.namelist())
        version = _version(archive, names)
        if version is None:
            return Bundle([], [LogEntry(ErrorClass.MANIFEST, "manifest.json", 0)])
        for name in names:
            if name == "manifest.json":
                continue
            match = _FILE_NAME.fullmatch(name)
            if match is None or PurePosixPath(name).name != name:
                errors.append(LogEntry(ErrorClass.FILE_NAME, name, 0))
                continue
            file = match[1] or match[2]
            for row in _read_file(name, file, version, archive.read(name)):
                if isinstance(row, Row):
                    rows.append(row)
                else:
                    errors.append(row)
    return Bundle(rows, errors)


def _version(archive: zipfile.ZipFile, names: list[str]) -> str | None:
    if "manifest.json" not in names:
        return None
    try:
        manifest = json.loads(archive.read("manifest.json"))
    except ValueError:
        return None
    return next((version for version in _LATER_COLUMNS if manifest == {"version": version}), None)


def columns(file: str, version: str) -> list[str]:
    """The header of a file, column by column."""
    later_org_units, later_users = _LATER_COLUMNS[version]
    if file == "Users":
        return _USER_COLUMNS + later_users
    if file == "Enrollments":
        return _ENROLLMENT_COLUMNS
    return _ORG_UNIT_COLUMNS + later_org_units


def _read_file(name: str, file: str, version: str, content: bytes) -> Iterator[Row | LogEntry]:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        yield LogEntry(ErrorClass.ENCODING, name, 0)
        return
    header = columns(file, version)
    lines = text.removesuffix("\n").split("\n")
    if lines[0].removesuffix("\r") != ",".join(header):
        yield LogEntry(ErrorClass.MISSING, name, 1, detail="the header is not the expected one")
        return
    for number, line in enumerate(lines[1:], 2):
        record = line.removesuffix("\r")
        if not _RECORD.fullmatch(record):
            yield LogEntry(ErrorClass.OPENING_QUOTE, name, number)
            continue
        values = [quoted or plain for quoted, plain in _FIELD.findall(record)]
        if len(values) != len(header):
            yield LogEntry(ErrorClass.RECORD_LENGTH, name, number)
            continue
        yield _checked(name, file, number, dict(zip(header, values, strict=True)))


def _checked(name: str, file: str, line: int, values: dict[str, str]) -> Row | LogEntry:
    row = Row(file, line, values["action"].upper() or "UPDATE", values)
    error = _fault(row)
    if error:
        return LogEntry(error, name, line, row.key)
    # A code that is too long is cut, without a word.
    cut = {column: values[column][:CODE_LENGTH] for column in _CODES if column in values}
    return Row(file, line, "DELETE" if row.action == "DELETE" else "UPDATE", {**values, **cut})


def _fault(row: Row) -> ErrorClass | None:
    required = _REQUIRED.get(row.file, ("type", "code", "name"))
    if row.action != "DELETE":
        required += {"Offerings": ("template_code",), "Sections": ("offering_code",)}.get(row.file, ())
    expected_type = _TYPES[row.file]
    checks = (
        (all(row[column] for column in required), ErrorClass.MISSING),
        (row.action in {"CREATE", "UPDATE", "DELETE"}, ErrorClass.VALUE),
        (expected_type is None or row["type"] == expected_type, ErrorClass.VALUE),
        (all(len(row[column]) <= length for column, length in _LENGTHS.items()), ErrorClass.VALUE),
        (row["is_active"].upper() in {"", "0", "1", "TRUE", "FALSE"}, ErrorClass.VALUE),
        (all(value == value.strip() for value in row.values.values()), ErrorClass.FORBIDDEN),
        (all(_is_date(row[column]) for column in ("start_date", "end_date")), ErrorClass.DATE),
        (not any(ORG_UNIT_FORBIDDEN & set(row[column]) for column in _CODES), ErrorClass.FORBIDDEN),
        (not ORG_UNIT_FORBIDDEN - {"|"} & set(row["custom_code"]), ErrorClass.FORBIDDEN),
        (
            not any(USER_FORBIDDEN & set(row[column]) for column in ("username", "org_defined_id", "child_code")),
            ErrorClass.USER_FORBIDDEN,
        ),
        (_are_relationships(row["relationships"]), ErrorClass.RELATIONSHIPS),
    )
    return next((error for good, error in checks if not good), None)


def _is_date(text: str) -> bool:
    try:
        parse_date(text)
    except ValueError:
        return False
    return True


def parse_date(text: str) -> datetime | None:
    """`2026-09-01` or `2026-09-01T00:00:00.000`. Raises ValueError."""
    if not text:
        return None
    form = "%Y-%m-%dT%H:%M:%S.%f" if "T" in text else "%Y-%m-%d"
    return datetime.strptime(text, form).replace(tzinfo=UTC)


def _are_relationships(text: str) -> bool:
    if not text:
        return True
    items = [item.partition(":") for item in text.split("|")]
    return all(kind in {"Parent", "Auditor"} and id_ and not USER_FORBIDDEN & set(id_) for kind, _, id_ in items)

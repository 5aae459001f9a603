"""Writes D2L Standard CSV bundles: the zips with which Brightspace takes in org units, users and enrollments.

The rows come from three relations (tables or views) of a DuckDB connection. One row is one line of a file:

- `org_units(file, type, action, code, name, start_date DATE, end_date DATE, is_active BOOLEAN, department_code,
  template_code, semester_code, offering_code, custom_code, sort_order)`; `file` is one of `ORG_UNIT_FILES`,
  `custom_code` may hold several codes with pipes between them.
- `users(action, username, org_defined_id, first_name, last_name, is_active BOOLEAN, role_name, email, relationships,
  sort_order)`; `relationships` is text like `Parent:G1|Auditor:A7` on the learner's row and replaces the whole set.
- `enrollments(action, child_code, role_name, parent_code, sort_order)`; the child is a user's org-defined id, the
  parent any org unit's code. Enrolling in a section enrolls in its offering too, so offerings need no row.

`action` is UPDATE, which also creates, or DELETE. Format and rules: D2L's Standard CSV documentation, versions 2.0 to
3.0. Codes are the key: unique over all kinds of org unit.
"""

import json
import os
import re
import tempfile
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Literal

import duckdb

from roster_pipeline.brightspace import limits
from roster_pipeline.brightspace.limits import TextLimit
from roster_pipeline.home import PRIVATE_FILE, private_folder, sync_folder

Version = Literal["2.0", "2.1", "3.0"]

#: Org unit files in the order in which Brightspace reads them, with the type their rows must have; the rows of Other
#: have the name of a custom org unit type.
ORG_UNIT_TYPES: dict[str, str | None] = {
    "Other": None,
    "Departments": "department",
    "Semesters": "semester",
    "Templates": "course template",
    "Offerings": "course offering",
    "Sections": "course section",
}
ORG_UNIT_FILES = tuple(ORG_UNIT_TYPES)
FILES = (*ORG_UNIT_FILES, "Users", "Enrollments")

_ORG_UNIT_HEADER = (
    "type,action,code,name,start_date,end_date,is_active,department_code,template_code,semester_code,offering_code,"
    "custom_code"
)
_USER_HEADER = (
    "type,action,username,org_defined_id,first_name,last_name,password,is_active,role_name,email,relationships,"
    "pref_first_name,pref_last_name"
)
ORG_UNIT_HEADERS: dict[Version, str] = {
    "2.0": _ORG_UNIT_HEADER,
    "2.1": _ORG_UNIT_HEADER,
    "3.0": f"{_ORG_UNIT_HEADER},discover",
}
USER_HEADERS: dict[Version, str] = {
    "2.0": _USER_HEADER,
    "2.1": f"{_USER_HEADER},sort_last_name",
    "3.0": f"{_USER_HEADER},sort_last_name,pronouns",
}
ENROLLMENT_HEADER = "type,action,child_code,role_name,parent_code"

_RELATIONSHIP = rf"(Parent|Auditor):[^{re.escape(limits.USER_FORBIDDEN)}]+"
RELATIONSHIPS_PATTERN = rf"{_RELATIONSHIP}(\|{_RELATIONSHIP})*"

#: Brightspace unpacks a bundle once, while millions of rows have to be packed in the night's window.
_COMPRESSION_LEVEL = 1
_COPY_OPTIONS = "FORMAT csv, HEADER, DELIMITER ',', QUOTE '\"', ESCAPE '\"', NULLSTR ''"


class Fault(StrEnum):
    """Why Brightspace would refuse a row, or worse, accept it and do something else."""

    MISSING = "missing"
    TOO_LONG = "too_long"
    FORBIDDEN_CHARACTER = "forbidden_character"
    BLANK_AT_EDGE = "blank_at_edge"
    DUPLICATE = "duplicate"
    UNKNOWN_ACTION = "unknown_action"
    UNKNOWN_FILE = "unknown_file"
    WRONG_TYPE = "wrong_type"
    PARENT_AFTER_CHILD = "parent_after_child"
    PARENT_DELETED = "parent_deleted"
    BAD_RELATIONSHIPS = "bad_relationships"
    USER_DELETED = "user_deleted"
    ORG_UNIT_DELETED = "org_unit_deleted"


class StandardCsvError(Exception):
    """The bundle cannot be written. The message holds keys and classes of fault, never a name."""


@dataclass(frozen=True)
class Relations:
    """The names under which the connection knows the three relations, with a schema where they need one."""

    org_units: str = "org_units"
    users: str = "users"
    enrollments: str = "enrollments"

    def __post_init__(self) -> None:
        for name in (self.org_units, self.users, self.enrollments):
            if not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", name):
                raise ValueError(f"{name!r} is no name of a relation")


DEFAULT_RELATIONS = Relations()


@dataclass(frozen=True)
class StagedBundle:
    """A finished bundle under a temporary name; renaming it to `name` delivers it."""

    path: Path
    name: str
    """`D2LStdCSV-20260901020000.zip`"""
    rows: dict[str, int]
    """Rows by file, `Sections` for instance, of the files that the bundle holds."""


@dataclass(frozen=True)
class _Field:
    """One text field and the limits it has to keep."""

    name: str
    limit: TextLimit
    required: bool = False
    personal: bool = False


_RELATION_FIELDS: dict[str, tuple[_Field, ...]] = {
    "org_units": (
        _Field("type", limits.NAME, required=True),
        _Field("action", limits.NAME, required=True),
        _Field("code", limits.CODE, required=True),
        _Field("name", limits.NAME, required=True),
        _Field("department_code", limits.CODE),
        _Field("template_code", limits.CODE),
        _Field("semester_code", limits.CODE),
        _Field("offering_code", limits.CODE),
    ),
    "users": (
        _Field("action", limits.NAME, required=True),
        _Field("username", limits.USERNAME, required=True, personal=True),
        _Field("org_defined_id", limits.ORG_DEFINED_ID, required=True),
        _Field("first_name", limits.PERSON_NAME, required=True, personal=True),
        _Field("last_name", limits.PERSON_NAME, required=True, personal=True),
        _Field("role_name", limits.ROLE_NAME, required=True),
        _Field("email", limits.EMAIL, personal=True),
    ),
    "enrollments": (
        _Field("action", limits.NAME, required=True),
        _Field("child_code", limits.ORG_DEFINED_ID, required=True),
        _Field("role_name", limits.ROLE_NAME, required=True),
        _Field("parent_code", limits.CODE, required=True),
    ),
}
_ENTITIES = {"org_units": "org_unit", "users": "user", "enrollments": "enrollment"}
#: SQL that names a row in the faults; the pipe can stand neither in a code nor in an org-defined id.
KEYS = {
    "org_units": "code",
    "users": "org_defined_id",
    "enrollments": "concat_ws('|', child_code, parent_code)",
}
#: What no two rows of a relation may share: field to blame, columns, and for which rows.
_UNIQUE = (
    ("org_units", "code", "code", "code IS NOT NULL"),
    ("users", "org_defined_id", "org_defined_id", "org_defined_id IS NOT NULL"),
    # A removed account frees its username for another in the same bundle.
    ("users", "username", "lower(username)", "username IS NOT NULL AND action <> 'DELETE'"),
    ("enrollments", "parent_code", "child_code, parent_code", "child_code IS NOT NULL AND parent_code IS NOT NULL"),
)


def find_faults(
    connection: duckdb.DuckDBPyConnection, relations: Relations = DEFAULT_RELATIONS
) -> duckdb.DuckDBPyRelation:
    """Every fault of the rows: `(entity, key, fault, field, value)`, all VARCHAR, as a temporary table.

    `entity` is org_unit, user or enrollment; `key` is the code, the org-defined id, or org-defined id and code with a
    pipe between; `fault` is one of `Fault`. `value` is NULL where it would tell about a person. The relations are read
    several times, so an expensive one should be a table.
    """
    names = {"org_units": relations.org_units, "users": relations.users, "enrollments": relations.enrollments}
    query = "\nUNION ALL\n".join(f"SELECT * FROM (\n{statement}\n)" for statement in _fault_statements(names))
    connection.execute(f"CREATE OR REPLACE TEMPORARY TABLE standard_csv_faults AS {query}")
    return connection.table("standard_csv_faults")


def stage_bundle(
    connection: duckdb.DuckDBPyConnection,
    staging_folder: Path,
    timestamp: datetime,
    version: Version,
    relations: Relations = DEFAULT_RELATIONS,
) -> StagedBundle:
    """Write the bundle under a temporary name into `staging_folder`, on disk for good when this returns.

    The same rows and timestamp give the same bytes. Raises StandardCsvError when there is no row, or any with a fault;
    nothing stays behind then.
    """
    faults = find_faults(connection, relations)
    _refuse(faults)
    name = f"D2LStdCSV-{timestamp:%Y%m%d%H%M%S}.zip"
    path = private_folder(staging_folder) / f".{name}.part"
    with tempfile.TemporaryDirectory(dir=staging_folder, prefix=".standard-csv-") as folder:
        rows = _write_files(connection, Path(folder), timestamp, version, relations)
        if not rows:
            raise StandardCsvError("there is no row to deliver, and Brightspace takes no empty bundle")
        (Path(folder) / "manifest.json").write_text(json.dumps({"version": version}), "utf-8")
        _pack(Path(folder), path, timestamp)
    return StagedBundle(path, name, rows)


def file_name(file: str, timestamp: datetime) -> str:
    """The name of a file inside the bundle; Brightspace reads them by the alphabet: `06 - Sections - 2026….csv`."""
    return f"{FILES.index(file) + 1:02} - {file} - {timestamp:%Y%m%d%H%M%S}.csv"


def _fault_statements(names: dict[str, str]) -> Iterator[str]:
    for relation, fields in _RELATION_FIELDS.items():
        for field in fields:
            yield _field_faults(names[relation], relation, field, field.name)
    # Its items are codes of their own.
    parents = f"(SELECT code, unnest(string_split(custom_code, '|')) AS custom_code FROM {names['org_units']})"
    yield _field_faults(parents, "org_units", _Field("custom_code", limits.CODE), "custom_code")
    for relation, field_name, columns, condition in _UNIQUE:
        yield _sql(
            "duplicate_faults",
            entity=_ENTITIES[relation],
            relation=names[relation],
            key=KEYS[relation],
            field=field_name,
            columns=columns,
            condition=condition,
        )
    types = ", ".join(f"('{file}', '{type_}')" for file, type_ in ORG_UNIT_TYPES.items() if type_)
    files = f"[{', '.join(map(_text, ORG_UNIT_FILES))}]"
    yield _sql("org_unit_faults", **names, files=files, types=types)
    yield _sql("user_faults", **names, relationships_pattern=_escaped(RELATIONSHIPS_PATTERN))
    yield _sql("enrollment_faults", **names, key=KEYS["enrollments"])


def _field_faults(source: str, relation: str, field: _Field, column: str) -> str:
    return _sql(
        "field_faults",
        entity=_ENTITIES[relation],
        relation=source,
        key=KEYS[relation],
        field=column,
        length=str(field.limit.length),
        forbidden_pattern=_escaped(field.limit.forbidden_pattern),
        required=str(field.required),
        personal=str(field.personal),
    )


def _refuse(faults: duckdb.DuckDBPyRelation) -> None:
    counts = faults.aggregate("entity, field, fault, count(*) AS times, min(key) AS example")
    groups = counts.order("times DESC, entity, field, fault").limit(10).fetchall()
    if groups:
        told = "; ".join(
            f"{times} x {entity} {field} {fault}, such as {key}" for entity, field, fault, times, key in groups
        )
        raise StandardCsvError(f"rows that Brightspace would refuse must be left out before: {told}")


def _write_files(
    connection: duckdb.DuckDBPyConnection, folder: Path, timestamp: datetime, version: Version, relations: Relations
) -> dict[str, int]:
    statements = {
        file: _sql("org_units", org_units=relations.org_units, file=file, columns=ORG_UNIT_HEADERS[version])
        for file in ORG_UNIT_FILES
    }
    statements["Users"] = _sql("users", users=relations.users, columns=USER_HEADERS[version])
    statements["Enrollments"] = _sql("enrollments", enrollments=relations.enrollments, columns=ENROLLMENT_HEADER)
    written: dict[str, int] = {}
    for file, statement in statements.items():
        path = folder / file_name(file, timestamp)
        rows = int(connection.execute(f"COPY ({statement}) TO {_text(str(path))} ({_COPY_OPTIONS})").fetchall()[0][0])
        if rows:
            written[file] = rows
        else:
            path.unlink()
    return written


def _pack(folder: Path, target: Path, timestamp: datetime) -> None:
    # The archive keeps what the file system says of a member, so the file system says the same every time.
    moment = time.mktime(timestamp.timetuple())
    try:
        with (
            open(target, "wb", opener=_open_private) as file,
            zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=_COMPRESSION_LEVEL) as archive,
        ):
            for member in sorted(folder.iterdir()):
                member.chmod(PRIVATE_FILE)
                os.utime(member, (moment, moment))
                archive.write(member, member.name)
            archive.close()
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, PRIVATE_FILE)


def _sql(name: str, **parts: str) -> str:
    text = resources.files("roster_pipeline.brightspace").joinpath(f"sql/standard_csv/{name}.sql").read_text("utf-8")
    return text.format(**parts)


def _escaped(text: str) -> str:
    return text.replace("'", "''")


def _text(value: str) -> str:
    return f"'{_escaped(value)}'"

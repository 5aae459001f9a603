import csv
import io
import json
import stat
import time
import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roster_pipeline.brightspace.standard_csv import (
    Relations,
    StandardCsvError,
    Version,
    find_faults,
    stage_bundle,
)
from roster_pipeline.sandbox.brightspace_tenant import Tenant
from roster_pipeline.sandbox.ipsis import Ipsis

NOW = datetime(2026, 9, 1, 2, 0, 7)  # noqa: DTZ001 - a wall clock, as in the name of the bundle

TABLES = """
CREATE TABLE org_units (
    file VARCHAR, type VARCHAR, action VARCHAR, code VARCHAR, name VARCHAR, start_date DATE, end_date DATE,
    is_active BOOLEAN, department_code VARCHAR, template_code VARCHAR, semester_code VARCHAR, offering_code VARCHAR,
    custom_code VARCHAR, sort_order INTEGER
);
CREATE TABLE users (
    action VARCHAR, username VARCHAR, org_defined_id VARCHAR, first_name VARCHAR, last_name VARCHAR, is_active BOOLEAN,
    role_name VARCHAR, email VARCHAR, relationships VARCHAR, sort_order INTEGER
);
CREATE TABLE enrollments (
    action VARCHAR, child_code VARCHAR, role_name VARCHAR, parent_code VARCHAR, sort_order INTEGER
);
"""
OFFERING = {"template_code": "MATH", "custom_code": "HS1"}


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(TABLES)
        yield connection


def insert(connection: duckdb.DuckDBPyConnection, table: str, row: dict[str, Any]) -> None:
    marks = ", ".join("?" * len(row))
    connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", list(row.values()))


def org_unit(file: str, code: str, **values: Any) -> dict[str, Any]:
    types = {"Templates": "course template", "Offerings": "course offering", "Sections": "course section"}
    row = {"file": file, "type": types.get(file, "school"), "action": "UPDATE", "code": code, "name": f"Name of {code}"}
    return {**row, "sort_order": 1, **values}


def user(org_defined_id: str, **values: Any) -> dict[str, Any]:
    row = {"action": "UPDATE", "username": f"u.{org_defined_id}", "org_defined_id": org_defined_id}
    return {**row, "first_name": "Ada", "last_name": "Lee", "is_active": True, "role_name": "Learner", **values}


def enrollment(child: str, parent: str, **values: Any) -> dict[str, Any]:
    return {"action": "UPDATE", "child_code": child, "role_name": "Learner", "parent_code": parent, **values}


def a_school(connection: duckdb.DuckDBPyConnection) -> None:
    insert(connection, "org_units", org_unit("Other", "HS1", custom_code="D1", sort_order=2))
    insert(connection, "org_units", org_unit("Other", "D1", type="district"))
    insert(connection, "org_units", org_unit("Templates", "MATH", custom_code="HS1"))
    dates = {"start_date": date(2026, 8, 24), "end_date": date(2027, 6, 11), "is_active": False}
    insert(connection, "org_units", org_unit("Offerings", "MATH-1", **OFFERING, **dates))
    insert(connection, "org_units", org_unit("Sections", "MATH-1-S", offering_code="MATH-1", name="Reading, writing"))
    insert(connection, "users", user("S1", last_name="O'Brien, Jr.", relationships="Parent:G1|Auditor:A7"))
    insert(connection, "users", user("G1", is_active=False, email="g1@example.org", action="DELETE"))
    insert(connection, "enrollments", enrollment("S1", "MATH-1-S"))
    insert(connection, "enrollments", enrollment("S1", "OLD-S", action="DELETE"))


def members(bundle: Path) -> dict[str, str]:
    with zipfile.ZipFile(bundle) as archive:
        return {name: archive.read(name).decode("utf-8") for name in archive.namelist()}


def faults(connection: duckdb.DuckDBPyConnection) -> set[tuple[str, str, str, str]]:
    return {row[:4] for row in find_faults(connection).fetchall()}


def test_a_bundle_holds_exactly_what_brightspace_expects(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    a_school(connection)
    bundle = stage_bundle(connection, tmp_path / "staging", NOW, "3.0")
    assert members(bundle.path) == {
        "01 - Other - 20260901020007.csv": "type,action,code,name,start_date,end_date,is_active,department_code,"
        "template_code,semester_code,offering_code,custom_code,discover\n"
        "district,UPDATE,D1,Name of D1,,,,,,,,,\n"
        "school,UPDATE,HS1,Name of HS1,,,,,,,,D1,\n",
        "04 - Templates - 20260901020007.csv": "type,action,code,name,start_date,end_date,is_active,department_code,"
        "template_code,semester_code,offering_code,custom_code,discover\n"
        "course template,UPDATE,MATH,Name of MATH,,,,,,,,HS1,\n",
        "05 - Offerings - 20260901020007.csv": "type,action,code,name,start_date,end_date,is_active,department_code,"
        "template_code,semester_code,offering_code,custom_code,discover\n"
        "course offering,UPDATE,MATH-1,Name of MATH-1,2026-08-24,2027-06-11,0,,MATH,,,HS1,\n",
        "06 - Sections - 20260901020007.csv": "type,action,code,name,start_date,end_date,is_active,department_code,"
        "template_code,semester_code,offering_code,custom_code,discover\n"
        'course section,UPDATE,MATH-1-S,"Reading, writing",,,,,,,MATH-1,,\n',
        "07 - Users - 20260901020007.csv": "type,action,username,org_defined_id,first_name,last_name,password,"
        "is_active,role_name,email,relationships,pref_first_name,pref_last_name,sort_last_name,pronouns\n"
        'user,UPDATE,u.S1,S1,Ada,"O\'Brien, Jr.",,1,Learner,,Parent:G1|Auditor:A7,,,,\n'
        "user,DELETE,u.G1,G1,Ada,Lee,,0,Learner,g1@example.org,,,,,\n",
        "08 - Enrollments - 20260901020007.csv": "type,action,child_code,role_name,parent_code\n"
        "enrollment,UPDATE,S1,Learner,MATH-1-S\n"
        "enrollment,DELETE,S1,Learner,OLD-S\n",
        "manifest.json": '{"version": "3.0"}',
    }
    assert bundle.name == "D2LStdCSV-20260901020007.zip"
    assert bundle.rows == {"Other": 2, "Templates": 1, "Offerings": 1, "Sections": 1, "Users": 2, "Enrollments": 2}


@pytest.mark.parametrize("version", ["2.0", "2.1", "3.0"])
def test_brightspace_takes_a_bundle_in(connection: duckdb.DuckDBPyConnection, tmp_path: Path, version: Version) -> None:
    a_school(connection)
    connection.execute("UPDATE users SET relationships = NULL, action = 'UPDATE'")
    connection.execute("DELETE FROM enrollments WHERE action = 'DELETE'")
    bundle = stage_bundle(connection, tmp_path, NOW, version)
    batch = Ipsis(Tenant()).process(bundle.path.rename(tmp_path / bundle.name))
    assert (batch.errors, batch.warnings) == ([], [])
    assert {entity: batch.count(entity, "create") for entity in ("org_unit", "user", "enrollment")} == {
        "org_unit": 5,
        "user": 2,
        "enrollment": 1,
    }


@pytest.mark.parametrize(
    ("version", "org_columns", "user_columns"), [("2.0", 12, 13), ("2.1", 12, 14), ("3.0", 13, 15)]
)
def test_every_version_has_its_own_columns(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, version: Version, org_columns: int, user_columns: int
) -> None:
    a_school(connection)
    contents = members(stage_bundle(connection, tmp_path, NOW, version).path)
    rows = {name: list(csv.reader(io.StringIO(text))) for name, text in contents.items() if name.endswith(".csv")}
    widths = {name[:2]: {len(row) for row in table} for name, table in rows.items()}
    assert widths["01"] == widths["05"] == {org_columns}
    assert widths["07"] == {user_columns}
    assert widths["08"] == {5}
    assert json.loads(contents["manifest.json"]) == {"version": version}


def test_the_same_rows_give_the_same_bytes(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_school(connection)
    first = stage_bundle(connection, tmp_path / "first", NOW, "3.0").path.read_bytes()
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        connection.execute("CREATE TABLE reversed AS FROM enrollments ORDER BY action DESC")
        again = stage_bundle(connection, tmp_path / "again", NOW, "3.0", Relations(enrollments="main.reversed"))
    finally:
        monkeypatch.undo()
        time.tzset()
    assert again.path.read_bytes() == first


def test_a_bundle_is_private_and_leaves_nothing_beside_it(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    a_school(connection)
    staging = tmp_path / "staging"
    bundle = stage_bundle(connection, staging, NOW, "3.0")
    assert stat.S_IMODE(bundle.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(staging.stat().st_mode) == 0o700
    assert list(staging.iterdir()) == [bundle.path]
    assert bundle.path.suffix != ".zip"


def test_a_bundle_without_rows_is_refused(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    with pytest.raises(StandardCsvError, match="no row"):
        stage_bundle(connection, tmp_path, NOW, "3.0")
    assert list(tmp_path.iterdir()) == []


def test_a_faulty_row_stops_the_bundle_without_telling_a_name(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    insert(connection, "users", user("S1", first_name='Ada "The Countess"', username="ada/lee"))
    with pytest.raises(StandardCsvError) as caught:
        stage_bundle(connection, tmp_path, NOW, "3.0")
    assert "1 x user first_name forbidden_character, such as S1" in str(caught.value)
    assert "Countess" not in str(caught.value)
    assert "ada" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []
    assert {value for *_, value in find_faults(connection).fetchall()} == {None}


def test_a_whole_school_has_no_fault(connection: duckdb.DuckDBPyConnection) -> None:
    a_school(connection)
    assert faults(connection) == set()


@pytest.mark.parametrize(
    ("row", "fault", "field"),
    [
        (org_unit("Other", "C" * 51), "too_long", "code"),
        (org_unit("Other", "A,B"), "forbidden_character", "code"),
        (org_unit("Other", "O'Neill"), "forbidden_character", "code"),
        (org_unit("Other", "A\nB"), "forbidden_character", "code"),
        (org_unit("Other", " A"), "blank_at_edge", "code"),
        (org_unit("Other", ""), "missing", "code"),
        (org_unit("Other", "A", name=None), "missing", "name"),
        (org_unit("Other", "A", name="N" * 129), "too_long", "name"),
        (org_unit("Other", "A", name='The "Great" Books'), "forbidden_character", "name"),
        (org_unit("Other", "A", type=None), "missing", "type"),
        (org_unit("Other", "A", action=None), "missing", "action"),
        (org_unit("Other", "A", action="UPSERT"), "unknown_action", "action"),
        (org_unit("Other", "A", custom_code="B|" + "C" * 51), "too_long", "custom_code"),
        (org_unit("Others", "A"), "unknown_file", "file"),
        (org_unit("Sections", "A", offering_code="B", type="section"), "wrong_type", "type"),
        (org_unit("Sections", "A"), "missing", "offering_code"),
        (org_unit("Offerings", "A"), "missing", "template_code"),
    ],
)
def test_faults_of_org_units(
    connection: duckdb.DuckDBPyConnection, row: dict[str, Any], fault: str, field: str
) -> None:
    insert(connection, "org_units", row)
    assert ("org_unit", row["code"], fault, field) in faults(connection)


@pytest.mark.parametrize(
    ("values", "fault", "field"),
    [
        ({"username": "a;b"}, "forbidden_character", "username"),
        ({"username": "a'b"}, "forbidden_character", "username"),
        ({"username": None}, "missing", "username"),
        ({"first_name": "F" * 65}, "too_long", "first_name"),
        ({"last_name": ""}, "missing", "last_name"),
        ({"last_name": "Lee "}, "blank_at_edge", "last_name"),
        ({"is_active": None}, "missing", "is_active"),
        ({"role_name": None}, "missing", "role_name"),
        ({"email": "e" * 257}, "too_long", "email"),
        ({"relationships": "Parent:G1,Parent:G2"}, "bad_relationships", "relationships"),
        ({"relationships": "Guardian:G1"}, "bad_relationships", "relationships"),
        ({"relationships": "Parent:G1|"}, "bad_relationships", "relationships"),
        ({"action": "CREATE"}, "unknown_action", "action"),
    ],
)
def test_faults_of_users(connection: duckdb.DuckDBPyConnection, values: dict[str, Any], fault: str, field: str) -> None:
    insert(connection, "users", user("S1", **values))
    assert faults(connection) == {("user", "S1", fault, field)}


@pytest.mark.parametrize(
    ("values", "fault", "field"),
    [
        ({"role_name": None}, "missing", "role_name"),
        ({"role_name": "R" * 61}, "too_long", "role_name"),
        ({"action": "update"}, "unknown_action", "action"),
    ],
)
def test_faults_of_enrollments(
    connection: duckdb.DuckDBPyConnection, values: dict[str, Any], fault: str, field: str
) -> None:
    insert(connection, "enrollments", enrollment("S1", "A", **values))
    assert faults(connection) == {("enrollment", "S1|A", fault, field)}


def test_what_must_be_unique(connection: duckdb.DuckDBPyConnection) -> None:
    insert(connection, "org_units", org_unit("Other", "A"))
    insert(connection, "org_units", org_unit("Templates", "A", action="DELETE"))
    insert(connection, "org_units", org_unit("Templates", "a"))
    insert(connection, "users", user("S1", username="ada"))
    insert(connection, "users", user("S2", username="Ada"))
    insert(connection, "users", user("S3", username="ADA", action="DELETE"))
    insert(connection, "enrollments", enrollment("S1", "A"))
    insert(connection, "enrollments", enrollment("S1", "A", action="DELETE"))
    insert(connection, "enrollments", enrollment("S1", "B"))
    duplicates = {row for row in faults(connection) if row[2] == "duplicate"}
    assert duplicates == {
        ("org_unit", "A", "duplicate", "code"),
        ("user", "S1", "duplicate", "username"),
        ("user", "S2", "duplicate", "username"),
        ("enrollment", "S1|A", "duplicate", "parent_code"),
    }


def test_a_parent_stands_in_front_of_its_children(connection: duckdb.DuckDBPyConnection) -> None:
    insert(connection, "org_units", org_unit("Other", "HS1", custom_code="D1|D2|ELSEWHERE", sort_order=1))
    insert(connection, "org_units", org_unit("Other", "D1", sort_order=2))
    insert(connection, "org_units", org_unit("Other", "D2", sort_order=3, action="DELETE"))
    insert(connection, "org_units", org_unit("Templates", "MATH", custom_code="LATE"))
    insert(connection, "org_units", org_unit("Offerings", "LATE", template_code="MATH", sort_order=0))
    assert find_faults(connection).order("key, fault, value").fetchall() == [
        ("org_unit", "HS1", "parent_after_child", "code", "D1"),
        ("org_unit", "HS1", "parent_deleted", "code", "D2"),
        ("org_unit", "MATH", "parent_after_child", "code", "LATE"),
    ]


def test_nobody_is_enrolled_in_or_as_what_the_same_bundle_deletes(connection: duckdb.DuckDBPyConnection) -> None:
    insert(connection, "org_units", org_unit("Other", "A", action="DELETE"))
    insert(connection, "users", user("S1", action="DELETE"))
    insert(connection, "enrollments", enrollment("S2", "A"))
    insert(connection, "enrollments", enrollment("S1", "B"))
    insert(connection, "enrollments", enrollment("S1", "A", action="DELETE"))
    assert faults(connection) == {
        ("enrollment", "S2|A", "org_unit_deleted", "parent_code"),
        ("enrollment", "S1|B", "user_deleted", "child_code"),
    }


def test_names_of_relations_are_no_way_into_the_sql() -> None:
    with pytest.raises(ValueError, match="no name of a relation"):
        Relations(users="users; DROP TABLE users")


@settings(max_examples=50, deadline=None)
@given(name=st.text(min_size=1, max_size=130), code=st.text(min_size=1, max_size=55))
def test_what_has_no_fault_arrives_unchanged(name: str, code: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    with duckdb.connect() as connection:
        connection.execute(TABLES)
        insert(connection, "org_units", org_unit("Other", code, name=name))
        if find_faults(connection).fetchall():
            return
        bundle = stage_bundle(connection, tmp_path_factory.mktemp("bundle"), NOW, "3.0")
    [text] = [text for name_, text in members(bundle.path).items() if name_.endswith(".csv")]
    assert text.count("\n") == 2
    row = next(csv.DictReader(io.StringIO(text, newline="")))
    assert (row["code"], row["name"]) == (code, name)

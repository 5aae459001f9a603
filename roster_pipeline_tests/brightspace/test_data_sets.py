import io
import itertools
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from roster_pipeline.brightspace.client import BrightspaceClient
from roster_pipeline.brightspace.data_set_schemas import (
    ENROLLMENTS,
    GRADE_OBJECTS,
    GRADE_RESULTS,
    ORG_UNIT_PARENTS,
    ORG_UNITS,
    SCHEMAS,
    USERS,
)
from roster_pipeline.brightspace.data_sets import DataSetError, load_files
from roster_pipeline.sandbox.brightspace.data_sets import DataSets, data_sets
from roster_pipeline.sandbox.brightspace.faults import CutConnection, Refusal
from roster_pipeline.sandbox.brightspace_server import SandboxBrightspace
from roster_pipeline.sandbox.brightspace_tenant import Tenant
from roster_pipeline.settings.brightspace import SCOPES

from .conftest import Connect
from .test_client import create_offering
from .test_connection import create_user


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def rows(connection: duckdb.DuckDBPyConnection, columns: str, table: str = "loaded") -> list[tuple[Any, ...]]:
    return connection.execute(f"SELECT {columns} FROM {table} ORDER BY ALL").fetchall()


def test_every_data_set_is_loaded(
    brightspace: SandboxBrightspace,
    client: BrightspaceClient,
    connection: duckdb.DuckDBPyConnection,
    tmp_path: Path,
) -> None:
    offering, user = create_offering(client), create_user(client)
    tenant = brightspace.tenant
    tenant.enroll(user, offering.id, tenant.role_named("Learner").id)
    book = tenant.gradebook(offering.id)
    category = book.add_category("Homework")
    item = book.add_item("Essay", max_points=10, category_id=category.id)
    book.set_score(item.id, user, 8.25, comment='He said "no",\nand left')
    brightspace.data_sets.publish()
    folder = tmp_path / "data-sets"
    loaded = {schema.name: client.data_hub.load(schema, connection, "loaded", folder) for schema in SCHEMAS}
    assert {name: result.rows for name, result in loaded.items()} == {
        "Users": 2,
        "Organizational Units": 3,
        "Organizational Unit Parents": 2,
        "User Enrollments": 3,
        "Grade Objects": 2,
        "Grade Results": 1,
    }
    assert loaded["Grade Results"].missing_columns == ("IsDeleted",)
    assert list(folder.iterdir()) == []
    assert rows(connection, "grade_object_id, user_id, points_numerator, comments, is_exempt") == [
        (item.id, user, pytest.approx(8.25), 'He said "no",\nand left', False)
    ]


@pytest.fixture
def by_the_hour() -> Iterator[SandboxBrightspace]:
    """A tenant in which an hour passes whenever it looks at the clock."""
    hours = (datetime(2026, 9, 1, tzinfo=UTC) + timedelta(hours=hour) for hour in itertools.count())
    with SandboxBrightspace(Tenant(clock=lambda: next(hours))) as brightspace:
        yield brightspace


def test_differentials_are_applied_to_the_full_before_them(
    by_the_hour: SandboxBrightspace, connect: Connect, connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    brightspace, client = by_the_hour, connect(by_the_hour)
    book = brightspace.tenant.gradebook(create_offering(client).id)
    kept, gone, changed = (book.add_item(name) for name in ("Kept", "Gone", "Changed"))
    brightspace.data_sets.publish()
    book.delete_item(gone.id)
    book.change_item(changed.id, name="Changed once")
    brightspace.data_sets.publish(["Differential"])
    book.change_item(changed.id, name="Changed twice")
    new = book.add_item("New")
    brightspace.data_sets.publish(["Differential"])
    result = client.data_hub.load(GRADE_OBJECTS, connection, "loaded", tmp_path)
    assert rows(connection, "grade_object_id, name, is_deleted") == [
        (kept.id, "Kept", False),
        (gone.id, "Gone", True),
        (changed.id, "Changed twice", False),
        (new.id, "New", False),
    ]
    assert result.as_of == brightspace.data_sets.extracts[-1].created.replace(microsecond=result.as_of.microsecond)
    book.restore_item(gone.id)
    brightspace.data_sets.publish(["Full"])
    assert len(client.data_hub.latest(GRADE_OBJECTS.name)) == 1
    client.data_hub.load(GRADE_OBJECTS, connection, "loaded", tmp_path)
    assert (gone.id, False) in rows(connection, "grade_object_id, is_deleted")


def test_the_later_schema_is_read_too(connect: Connect, connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    tenant = Tenant()
    hub = DataSets(tenant, data_sets(with_exemptions=False))
    with SandboxBrightspace(tenant, data_sets=hub) as brightspace:
        hub.publish()
        loaded = connect(brightspace).data_hub.load(GRADE_RESULTS, connection, "loaded", tmp_path)
    assert loaded.missing_columns == ("IsExempt",)


def test_applications_with_the_older_scopes_use_the_older_list(
    brightspace: SandboxBrightspace, connect: Connect, connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    older = [scope for scope in SCOPES if scope != "datasets:bds:read"]
    client = connect(scopes=[*older, "datahub:dataexports:read", "datahub:dataexports:download"])
    brightspace.data_sets.publish()
    create_user(client)
    brightspace.data_sets.publish(["Differential"])
    assert client.data_hub.load(USERS, connection, "loaded", tmp_path).rows == 2


def test_a_tenant_without_the_set_says_what_to_do(client: BrightspaceClient) -> None:
    with pytest.raises(DataSetError, match="Data Hub"):
        client.data_hub.latest("Tools")


def test_a_set_without_a_full_extract(brightspace: SandboxBrightspace, client: BrightspaceClient) -> None:
    brightspace.data_sets.publish(["Differential"])
    with pytest.raises(DataSetError, match="no full extract"):
        client.data_hub.latest("Users")


def packed(**members: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return target.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"not a zip", "no whole zip"),
        (packed(), "0 files in the zip"),
        (packed(a=b"UserId\n", b=b"UserId\n"), "2 files in the zip"),
        (packed(a=b"0" * 5_000_000), "would unpack to 5000000 bytes"),
        (packed(a=b"UserId\n1\n"), "no column UserName, OrgDefinedId"),
        (packed(a=b'UserId,UserName,OrgDefinedId\n1,"open,S1\n'), "no well-formed CSV"),
    ],
)
def test_spoilt_downloads_are_refused_and_leave_nothing(
    brightspace: SandboxBrightspace,
    client: BrightspaceClient,
    connection: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    content: bytes,
    message: str,
) -> None:
    brightspace.data_sets.publish(["Full"])
    fault = Refusal(r"/extracts/\d+$", status=200, body=content, media_type="application/zip")
    with brightspace.fault(fault), pytest.raises(DataSetError, match=message) as caught:
        client.data_hub.load(USERS, connection, "loaded", tmp_path)
    assert "open" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir() if "token" not in path.name] == []


def test_a_download_that_breaks_off(
    brightspace: SandboxBrightspace, client: BrightspaceClient, connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    create_user(client)
    brightspace.data_sets.publish(["Full"])
    with brightspace.fault(CutConnection(r"/extracts/\d+$", times=2)):
        assert client.data_hub.load(USERS, connection, "loaded", tmp_path).rows == 2


def csv_file(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    return path


def test_columns_are_matched_by_name_and_values_read_defensively(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    text = (
        "lastname,USERID,UserName,OrgDefinedId,IsActive,New,OrgRoleId\r\n"
        "Null,1,none,S1,1,x,NULL\r\n"
        "Lee,2,b,,True,,7\r\n"
        "Lee,3,c,S3,f,,None\r\n"
        "Lee,x,d,S4,maybe,,\r\n"
    )
    count, missing = load_files(USERS, connection, "loaded", [csv_file(tmp_path, "users.csv", text)])
    assert count == 3
    assert "FirstName" in missing
    assert rows(connection, "user_id, user_name, last_name, org_defined_id, is_active, org_role_id, first_name") == [
        (1, "none", "Null", "S1", True, None, None),
        (2, "b", "Lee", None, True, 7, None),
        (3, "c", "Lee", "S3", False, None, None),
    ]


def test_times_are_utc(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    text = "OrgUnitId,UserId,RoleId,EnrollmentDate\n" + "".join(
        f"{number},1,1,{value}\n"
        for number, value in enumerate(
            ("2026-01-15T10:30:00Z", "2026-01-15T10:30:00.1234567Z", "2026-01-15T12:30:00+02:00", "later")
        )
    )
    connection.execute("SET TimeZone = 'Asia/Tokyo'")
    load_files(ENROLLMENTS, connection, "loaded", [csv_file(tmp_path, "enrollments.csv", text)])
    found = [str(value) for (value,) in rows(connection, "strftime(enrollment_date, '%H:%M')")]
    assert found == ["10:30", "10:30", "10:30", "None"]


def test_the_highest_version_counts_whatever_the_order_of_files(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    header = "OrgUnitId,Type,Name,Code,Version\n"
    paths = [
        csv_file(tmp_path, "full.csv", f"{header}1,School,New,A,9\n2,School,First,B,\n"),
        csv_file(tmp_path, "differential.csv", f"{header}1,School,Old,A,8\n2,School,Second,B,\n"),
    ]
    load_files(ORG_UNITS, connection, "loaded", paths)
    assert rows(connection, "org_unit_id, name") == [(1, "New"), (2, "Second")]


def test_links_that_were_taken_away_say_so(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    header = "OrgUnitId,ParentOrgUnitId,RowVersion,DateDeleted\n"
    paths = [
        csv_file(tmp_path, "full.csv", f"{header}1,2,10,\n"),
        csv_file(tmp_path, "differential.csv", f"{header}1,2,11,2026-01-15T10:30:00Z\n"),
    ]
    load_files(ORG_UNIT_PARENTS, connection, "loaded", paths)
    assert rows(connection, "date_deleted IS NOT NULL") == [(True,)]

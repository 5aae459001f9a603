import csv
import stat
import time
import zipfile
from pathlib import Path

import pytest

from roster_pipeline.sandbox.csv_bundle import csv_header, write_csv_bundle
from roster_pipeline.sandbox.district import District
from roster_pipeline.sandbox.generator import made_up_objects
from roster_pipeline.sandbox.objects import (
    KINDS,
    AcademicSession,
    Class,
    Enrollment,
    LineItem,
    OneRosterObject,
    Org,
    Resource,
    User,
)

#: OneRoster 1.1 CSV tables, section 4; those without objects in the sandbox (classResources, courseResources) apart.
HEADERS = {
    "academicSessions": "sourcedId,status,dateLastModified,title,type,startDate,endDate,parentSourcedId,schoolYear",
    "categories": "sourcedId,status,dateLastModified,title",
    "classes": (
        "sourcedId,status,dateLastModified,title,grades,courseSourcedId,classCode,classType,location,schoolSourcedId,"
        "termSourcedIds,subjects,subjectCodes,periods"
    ),
    "courses": (
        "sourcedId,status,dateLastModified,schoolYearSourcedId,title,courseCode,grades,orgSourcedId,subjects,subjectCodes"
    ),
    "demographics": (
        "sourcedId,status,dateLastModified,birthDate,sex,americanIndianOrAlaskaNative,asian,blackOrAfricanAmerican,"
        "nativeHawaiianOrOtherPacificIslander,white,demographicRaceTwoOrMoreRaces,hispanicOrLatinoEthnicity,"
        "countryOfBirthCode,stateOfBirthAbbreviation,cityOfBirth,publicSchoolResidenceStatus"
    ),
    "enrollments": (
        "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate"
    ),
    "lineItems": (
        "sourcedId,status,dateLastModified,title,description,assignDate,dueDate,classSourcedId,categorySourcedId,"
        "gradingPeriodSourcedId,resultValueMin,resultValueMax"
    ),
    "orgs": "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId",
    "resources": "sourcedId,status,dateLastModified,vendorResourceId,title,roles,importance,vendorId,applicationId",
    "results": (
        "sourcedId,status,dateLastModified,lineItemSourcedId,studentSourcedId,scoreStatus,score,scoreDate,comment"
    ),
    "users": (
        "sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,userIds,givenName,familyName,"
        "middleName,identifier,email,sms,phone,agentSourcedIds,grades,password"
    ),
}


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def manifest(folder: Path) -> dict[str, str]:
    return {row["propertyName"]: row["value"] for row in read(folder / "manifest.csv")}


@pytest.mark.parametrize("name", HEADERS)
def test_headers_are_those_of_the_standard(name: str) -> None:
    assert ",".join(csv_header(KINDS[name])) == HEADERS[name]


def test_there_is_a_header_for_every_kind() -> None:
    assert HEADERS.keys() == KINDS.keys()


def test_a_bulk_bundle_holds_every_object_once_with_blank_status(district: District, tmp_path: Path) -> None:
    folder = write_csv_bundle(district, tmp_path / "bundle")

    for kind in (Org, AcademicSession, User, Class, Enrollment):
        name = next(name for name, each in KINDS.items() if each is kind)
        rows = read(folder / f"{name}.csv")
        assert [row["sourcedId"] for row in rows] == list(district.all(kind))
        assert {row["status"] + row["dateLastModified"] for row in rows} == {""}


def test_the_manifest_names_all_files_and_marks_those_without_rows_absent(district: District, tmp_path: Path) -> None:
    folder = write_csv_bundle(district, tmp_path / "bundle")

    properties = manifest(folder)
    written = {"academicSessions", "categories", "classes", "courses", "enrollments", "orgs", "users"}
    assert {path.stem for path in folder.iterdir()} == {*written, "manifest"}
    assert {name for name, value in properties.items() if value == "bulk"} == {f"file.{name}" for name in written}
    assert {name for name, value in properties.items() if value == "absent"} == {
        "file.classResources", "file.courseResources", "file.demographics", "file.lineItems", "file.resources",
        "file.results",
    }  # fmt: skip
    assert (properties["manifest.version"], properties["oneroster.version"]) == ("1.0", "1.1")


def test_cells_are_written_as_the_standard_has_them(district: District, tmp_path: Path) -> None:
    district.put(
        User(
            sourced_id="u1",
            date_last_modified=district.now,
            enabled_user=False,
            org_sourced_ids=("org-0101", "org-0102"),
            role="teacher",
            username="u1",
            user_ids=(("LDAP", "ab12"), ("LTI", "998")),
            given_name='Anne "Annie"',
            family_name="Smith, Jr.",
        )
    )
    folder = write_csv_bundle([district.get(User, "u1")], tmp_path / "bundle")

    text = (folder / "users.csv").read_bytes().decode("utf-8")
    assert text.split("\r\n")[1] == (
        'u1,,,false,"org-0101,org-0102",teacher,u1,"{LDAP:ab12},{LTI:998}","Anne ""Annie""","Smith, Jr.",,,,,,,,'
    )


def test_numbers_and_lists_of_other_kinds(tmp_path: Path) -> None:
    item = LineItem(
        sourced_id="l1", date_last_modified="2026-10-01T00:00:00.000Z", title="Quiz", assign_date="2026-10-01",
        due_date="2026-10-02", class_sourced_id="c1", category_sourced_id="cat", grading_period_sourced_id="gp",
        result_value_min=0.0, result_value_max=12.5,
    )  # fmt: skip
    resource = Resource(
        sourced_id="r1",
        date_last_modified="2026-10-01T00:00:00.000Z",
        vendor_resource_id="v1",
        roles=("teacher", "aide"),
    )
    objects: list[OneRosterObject] = [item, resource]
    folder = write_csv_bundle(objects, tmp_path / "bundle")

    assert read(folder / "lineItems.csv")[0]["resultValueMax"] == "12.5"
    assert read(folder / "resources.csv")[0]["roles"] == "teacher,aide"


def test_who_is_to_be_deleted_is_not_in_a_bulk_bundle(district: District, tmp_path: Path) -> None:
    district.mark_deleted(User, "stu-000001")

    rows = read(write_csv_bundle(district, tmp_path / "bundle") / "users.csv")

    assert "stu-000001" not in {row["sourcedId"] for row in rows}


def test_a_delta_bundle_holds_the_changes_with_status_and_time(district: District, tmp_path: Path) -> None:
    district.mark_deleted(User, "stu-000001")

    folder = write_csv_bundle(district.changed_since("2026-09-30T00:00:00.000Z"), tmp_path / "bundle", "delta")

    rows = read(folder / "users.csv")
    assert [(row["sourcedId"], row["status"], row["dateLastModified"]) for row in rows] == [
        ("stu-000001", "tobedeleted", "2026-10-01T02:00:00.000Z")
    ]
    properties = manifest(folder)
    assert (properties["file.users"], properties["file.enrollments"]) == ("delta", "absent")


def test_a_zip_holds_the_same_files_at_its_root(district: District, tmp_path: Path) -> None:
    folder = write_csv_bundle(district, tmp_path / "bundle")
    package = write_csv_bundle(district, tmp_path / "packages" / "maple.zip")

    with zipfile.ZipFile(package) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == {
            path.name: path.read_bytes() for path in folder.iterdir()
        }
    assert [path.name for path in package.parent.iterdir()] == ["maple.zip"], "nothing is left behind"


def test_a_bundle_replaces_the_one_of_another_night(district: District, tmp_path: Path) -> None:
    write_csv_bundle(district, tmp_path / "bundle")

    folder = write_csv_bundle(district.all(Org).values(), tmp_path / "bundle")

    assert {path.name for path in folder.iterdir()} == {"manifest.csv", "orgs.csv"}


def test_only_the_owner_can_read_a_bundle(district: District, tmp_path: Path) -> None:
    folder = write_csv_bundle(district, tmp_path / "bundle")
    package = write_csv_bundle(district, tmp_path / "maple.zip")

    assert {stat.S_IMODE(path.stat().st_mode) for path in [*folder.iterdir(), package]} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.benchmark
def test_a_bundle_of_200_000_students_takes_less_than_a_minute(tmp_path: Path) -> None:
    started = time.monotonic()

    write_csv_bundle(made_up_objects(200_000, years=1), tmp_path / "bundle")

    assert time.monotonic() - started < 60

"""The stand-in for the import of Standard CSV bundles."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from roster_pipeline.sandbox.brightspace_tenant import Tenant
from roster_pipeline.sandbox.ipsis import Batch, Ipsis
from roster_pipeline.sandbox.ipsis_files import ErrorClass

ORG_UNITS = (
    "type,action,code,name,start_date,end_date,is_active,department_code,template_code,semester_code,offering_code,"
    "custom_code,discover"
)
USERS = (
    "type,action,username,org_defined_id,first_name,last_name,password,is_active,role_name,email,relationships,"
    "pref_first_name,pref_last_name,sort_last_name,pronouns"
)
ENROLLMENTS = "type,action,child_code,role_name,parent_code"
NAMES = {"Other": "01", "Semesters": "03", "Templates": "04", "Offerings": "05", "Sections": "06", "Users": "07"}

SCHOOL = {
    "Other": ["district,,D1,District,,,,,,,,,", "school,UPDATE,HS1,High School,,,,,,,,D1,"],
    "Semesters": ["semester,,F26,Fall,2026-08-24,2026-12-18T23:59:59.000,,,,,,,"],
    "Templates": ["course template,,MATH,Mathematics,,,,,,,,HS1,"],
    "Offerings": ["course offering,,MATH-1,Math 1,2026-08-24,,0,,MATH,F26,,HS1,"],
    "Sections": ["course section,,MATH-1-S,Math 1 S,,,,,,,MATH-1,,", 'course section,,MATH-1-T,"A, B",,,,,,,MATH-1,,'],
    "Users": [
        "user,,gina,G1,Gina,Lee,,1,Guardian,,,,,,",
        "user,,ada,S1,Ada,Lee,,TRUE,Learner,ada@example.org,Parent:G1,,,,",
        "user,,tom,T1,Tom,O'Brien,,1,Instructor,,,,,,",
    ],
    "Enrollments": ["enrollment,,S1,Learner,MATH-1-S", "enrollment,,T1,Instructor,MATH-1-S"],
}


Send = Callable[..., Batch]


@pytest.fixture
def ipsis() -> Ipsis:
    return Ipsis(Tenant())


@pytest.fixture
def send(ipsis: Ipsis, tmp_path: Path) -> Send:
    """Packs rows by file into a bundle and has it processed; `raw` adds members as they are."""

    def send(files: dict[str, list[str]], raw: dict[str, bytes] | None = None, version: str = "3.0") -> Batch:
        path = tmp_path / f"D2LStdCSV-{len(ipsis.batches):014}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for file, rows in files.items():
                header = {"Users": USERS, "Enrollments": ENROLLMENTS}.get(file, ORG_UNITS)
                text = "\n".join([header, *rows]) + "\n"
                archive.writestr(f"{NAMES.get(file, '08')} - {file} - 1.csv", text)
            for name, content in (raw or {"manifest.json": f'{{"version": "{version}"}}'.encode()}).items():
                archive.writestr(name, content)
        return ipsis.process(path)

    return send


def unit_named(ipsis: Ipsis, code: str) -> int:
    [unit] = ipsis.tenant.tree.with_code(code)
    return unit.id


def user_of(ipsis: Ipsis, org_defined_id: str) -> int:
    [user] = ipsis.tenant.directory.with_org_defined_id(org_defined_id)
    return user.id


def enrolled(ipsis: Ipsis, org_defined_id: str) -> set[str]:
    """Codes of the units that somebody is in, the organization aside."""
    units = ipsis.tenant.tree.org_units
    found = ipsis.tenant.enrollments_of(user_of(ipsis, org_defined_id))
    return {units[each.org_unit_id].code for each in found} - {""}


def errors(batch: Batch) -> list[ErrorClass]:
    return [entry.error for entry in batch.errors]


def test_a_whole_school_arrives(ipsis: Ipsis, send: Send) -> None:
    batch = send(SCHOOL)
    assert batch.errors == []
    assert batch.count("org_unit", "create") == 7
    assert batch.count("user", "create") == 3
    tree = ipsis.tenant.tree
    offering = tree.get(unit_named(ipsis, "MATH-1"))
    assert {unit.code for unit in tree.parents(offering.id)} == {"MATH", "F26", "HS1"}
    assert (offering.is_active, offering.start_date and offering.start_date.date().isoformat()) == (False, "2026-08-24")
    assert tree.parents(unit_named(ipsis, "HS1"))[0].code == "D1"
    assert tree.parents(unit_named(ipsis, "D1"))[0].id == tree.root_id
    assert tree.get(unit_named(ipsis, "MATH-1-T")).name == "A, B"
    assert ipsis.tenant.auditors(user_of(ipsis, "S1")) == [user_of(ipsis, "G1")]
    assert enrolled(ipsis, "S1") == {"MATH-1", "MATH-1-S"}


def test_the_same_bundle_again_creates_nothing(ipsis: Ipsis, send: Send) -> None:
    send(SCHOOL)
    before = list(ipsis.tenant.creations)
    batch = send(SCHOOL)
    assert batch.errors == []
    assert ipsis.tenant.creations == before


def test_leaving_the_last_section_is_leaving_the_offering(ipsis: Ipsis, send: Send) -> None:
    send(SCHOOL)
    send({"Enrollments": ["enrollment,,S1,Learner,MATH-1-T", "enrollment,DELETE,S1,Learner,MATH-1-S"]})
    assert enrolled(ipsis, "S1") == {"MATH-1", "MATH-1-T"}
    send({"Enrollments": ["enrollment,delete,S1,Learner,MATH-1-T", "enrollment,DELETE,T1,Instructor,MATH-1-S"]})
    assert enrolled(ipsis, "S1") == set()
    assert enrolled(ipsis, "T1") == {"MATH-1"}


def test_an_enrollment_may_be_in_any_org_unit_and_its_role_may_change(ipsis: Ipsis, send: Send) -> None:
    send(SCHOOL)
    send({"Enrollments": ["enrollment,,S1,Learner,HS1", "enrollment,,S1,Aide,MATH-1-S"]})
    role = ipsis.tenant.enrollment(user_of(ipsis, "S1"), unit_named(ipsis, "MATH-1-S")).role
    assert (role.name, enrolled(ipsis, "S1")) == ("Aide", {"HS1", "MATH-1", "MATH-1-S"})


def test_an_update_replaces_the_whole_set_of_relationships(ipsis: Ipsis, send: Send) -> None:
    send(SCHOOL)
    send({"Users": ["user,,hugo,G2,Hugo,Lee,,1,Guardian,,,,,,", "user,,ada,S1,Ada,Lee,,1,Learner,,Auditor:G2,,,,"]})
    assert ipsis.tenant.auditors(user_of(ipsis, "S1")) == [user_of(ipsis, "G2")]


def test_units_move_and_parents_set_by_hand_stay(ipsis: Ipsis, send: Send) -> None:
    send(SCHOOL)
    tree = ipsis.tenant.tree
    by_hand = tree.create(tree.type_named("School").id, "By hand", "BH", [tree.root_id])
    tree.add_parent(unit_named(ipsis, "MATH-1"), by_hand.id)
    send(
        {
            "Templates": ["course template,,ALG,Algebra,,,,,,,,D1,"],
            "Offerings": ["course offering,,MATH-1,Math 1,,,1,,ALG,,,D1,"],
        }
    )
    assert {unit.code for unit in tree.parents(unit_named(ipsis, "MATH-1"))} == {"ALG", "D1", "BH"}


class TestHandMadeChanges:
    """What somebody did in Brightspace behind the import's back."""

    def test_an_update_of_a_unit_that_is_gone_creates_it_again(self, ipsis: Ipsis, send: Send) -> None:
        send(SCHOOL)
        gone = unit_named(ipsis, "HS1")
        ipsis.tenant.tree.recycle(gone)
        assert send({"Other": [SCHOOL["Other"][1]]}).errors == []
        assert unit_named(ipsis, "HS1") != gone

    def test_a_delete_of_a_unit_that_is_gone_drops_the_mapping(self, ipsis: Ipsis, send: Send) -> None:
        send(SCHOOL)
        ipsis.tenant.tree.recycle(unit_named(ipsis, "MATH-1-T"))
        assert send({"Sections": ["course section,DELETE,MATH-1-T,x,,,,,,,MATH-1,,"]}).errors == []
        assert "MATH-1-T" not in ipsis.org_units

    def test_a_delete_of_what_neither_side_has_is_a_warning(self, send: Send) -> None:
        send(SCHOOL)
        batch = send(
            {
                "Sections": ["course section,DELETE,NONE,x,,,,,,,MATH-1,,"],
                "Enrollments": ["enrollment,DELETE,S1,Learner,MATH-1-T"],
            }
        )
        assert (batch.errors, len(batch.warnings)) == ([], 2)

    def test_a_user_deleted_by_hand_is_an_error_until_the_mapping_is_gone(self, ipsis: Ipsis, send: Send) -> None:
        send(SCHOOL)
        ipsis.tenant.delete_user(user_of(ipsis, "S1"))
        rows = {"Users": [SCHOOL["Users"][1]], "Enrollments": [SCHOOL["Enrollments"][0]]}
        assert errors(send(rows)) == [ErrorClass.USER_GONE] * 2
        del ipsis.tenant.imported_users[ipsis.source_system, "S1"]
        assert errors(send(rows)) == []

    def test_units_of_others_are_not_deleted(self, ipsis: Ipsis, send: Send) -> None:
        tree = ipsis.tenant.tree
        tree.create(tree.type_named("School").id, "By hand", "BH", [tree.root_id])
        assert errors(send({"Other": ["school,DELETE,BH,x,,,,,,,,,"]})) == [ErrorClass.NO_ORG_UNIT_MAPPING]
        assert tree.with_code("BH")


def test_errors_of_references_cost_their_own_rows(ipsis: Ipsis, send: Send) -> None:
    batch = send(
        {
            "Other": ["school,,A,A,,,,,,,,LATER,", "school,,LATER,L,,,,,,,,,", "kingdom,,K,K,,,,,,,,,"],
            "Users": [
                "user,,ada,S1,Ada,Lee,,1,Learner,,,,,,",
                "user,,ADA,S2,Ada,Lee,,1,Learner,,,,,,",
                "user,,eve,S3,Eve,Lee,,1,King,,,,,,",
            ],
            "Enrollments": ["enrollment,,S9,Learner,LATER", "enrollment,,S1,King,LATER", "enrollment,,S1,Learner,A"],
        }
    )
    assert errors(batch) == [
        ErrorClass.NO_PARENT_MAPPING,
        ErrorClass.NO_TYPE_MAPPING,
        ErrorClass.USER_NOT_CREATED,
        ErrorClass.NO_ROLE_MAPPING,
        ErrorClass.NO_USER_MAPPING,
        ErrorClass.NO_ROLE_MAPPING,
        ErrorClass.NO_ORG_UNIT_MAPPING,
    ]
    assert [creation.kind for creation in ipsis.tenant.creations] == ["org_unit", "user", "enrollment"]


def test_two_source_systems_cannot_claim_one_user(ipsis: Ipsis, send: Send, tmp_path: Path) -> None:
    send(SCHOOL)
    other = Ipsis(ipsis.tenant, "Another")
    batch = other.process(next(tmp_path.glob("*.zip")))
    assert errors(batch)[:1] == [ErrorClass.USER_CLAIMED]


@pytest.mark.parametrize(
    ("file", "row", "error"),
    [
        ("Other", "school,,A,A,,,,,,,,", ErrorClass.RECORD_LENGTH),
        ("Other", "", ErrorClass.RECORD_LENGTH),
        ("Other", 'school,,A,The "A",,,,,,,,,', ErrorClass.OPENING_QUOTE),
        ("Other", 'school,,A,"The ""A""",,,,,,,,,', ErrorClass.OPENING_QUOTE),
        ("Other", "school,,A:B,A,,,,,,,,,", ErrorClass.FORBIDDEN),
        ("Other", 'school,,"A,B",A,,,,,,,,,', ErrorClass.FORBIDDEN),
        ("Other", "school,,A, ,,,,,,,,,", ErrorClass.FORBIDDEN),
        ("Other", "school,,A,,,,,,,,,,", ErrorClass.MISSING),
        ("Other", "school,UPSERT,A,A,,,,,,,,,", ErrorClass.VALUE),
        ("Other", f"school,,A,{'N' * 129},,,,,,,,,", ErrorClass.VALUE),
        ("Semesters", "Semester,,A,A,,,,,,,,,", ErrorClass.VALUE),
        ("Semesters", "semester,,A,A,24.08.2026,,,,,,,,", ErrorClass.DATE),
        ("Sections", "course section,,A,A,,,,,,,,,", ErrorClass.MISSING),
        ("Users", "user,,o'b,S1,A,B,,1,Learner,,,,,,", ErrorClass.USER_FORBIDDEN),
        ("Users", "user,,ob,S1,A,B,,yes,Learner,,,,,,", ErrorClass.VALUE),
        ("Users", 'user,,ob,S1,A,B,,1,Learner,,"Parent:G1,Parent:G2",,,,', ErrorClass.RELATIONSHIPS),
        ("Enrollments", "enrollment,,S1,,A", ErrorClass.MISSING),
    ],
)
def test_validation_finds_what_is_wrong_with_a_row(
    ipsis: Ipsis, send: Send, file: str, row: str, error: ErrorClass
) -> None:
    ipsis.mode = "validate"
    assert errors(send({file: [row]})) == [error]


def test_validation_changes_nothing_and_looks_at_no_references(ipsis: Ipsis, send: Send) -> None:
    ipsis.mode = "validate"
    assert send({"Enrollments": ["enrollment,,NOBODY,Learner,NOWHERE"]}).errors == []
    assert send(SCHOOL).errors == []
    ipsis.mode = "disable"
    assert send({"Other": [""]}).errors == []
    assert ipsis.tenant.creations == []


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        ({"x.csv": b""}, ErrorClass.MANIFEST),
        ({"manifest.json": b'{"version": "9.9"}'}, ErrorClass.MANIFEST),
        ({"manifest.json": b"3.0"}, ErrorClass.MANIFEST),
        ({"manifest.json": b'{"version": "3.0"}', "Schools.csv": b""}, ErrorClass.FILE_NAME),
        ({"manifest.json": b'{"version": "3.0"}', "in/01 - Other - 1.csv": b""}, ErrorClass.FILE_NAME),
        ({"manifest.json": b'{"version": "3.0"}', "01 - Other - 1.csv": b"type\n"}, ErrorClass.MISSING),
        (
            {"manifest.json": b'{"version": "3.0"}', "01 - Other - 1.csv": b"\xef\xbb\xbf" + ORG_UNITS.encode()},
            ErrorClass.MISSING,
        ),
        ({"manifest.json": b'{"version": "2.0"}', "0-Other.csv": ORG_UNITS.encode()}, ErrorClass.MISSING),
        ({"manifest.json": b'{"version": "3.0"}', "0-Other.csv": b"\xff"}, ErrorClass.ENCODING),
    ],
)
def test_validation_finds_what_is_wrong_with_a_bundle(send: Send, raw: dict[str, bytes], error: ErrorClass) -> None:
    assert errors(send({}, raw)) == [error]


def test_a_code_that_is_too_long_is_cut(ipsis: Ipsis, send: Send) -> None:
    assert send({"Other": [f"school,,{'C' * 60},A,,,,,,,,,"]}).errors == []
    assert unit_named(ipsis, "C" * 50)


def test_a_folder_is_processed_bundle_by_bundle_and_once(ipsis: Ipsis, send: Send, tmp_path: Path) -> None:
    ipsis.mode = "disable"
    send(SCHOOL)
    send({"Enrollments": ["enrollment,DELETE,S1,Learner,MATH-1-S"]})
    fresh = Ipsis(Tenant())
    assert [batch.errors for batch in fresh.process_folder(tmp_path)] == [[], []]
    assert fresh.process_folder(tmp_path) == []
    assert enrolled(fresh, "S1") == set()

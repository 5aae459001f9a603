"""Org units, templates, offerings, sections, course copies."""

from typing import Any

import pytest

from .client import Client, offering_block, section_settings

FORBIDDEN = "\\:*?\"<>|'#,%&"


def codes(page: dict[str, Any]) -> list[str]:
    return [item["Code"] for item in page["Items"]]


def test_org_units_are_found_by_exact_code_name_and_type(client: Client) -> None:
    school = client.school("HS1")
    client.school("HS10")
    assert codes(client.get("/orgstructure/", orgUnitCode="hs1")) == ["HS1", "HS10"]
    page = client.get("/orgstructure/", exactOrgUnitCode="HS1", orgUnitType=client.type_id("School"))
    assert page["Items"] == [client.get(f"/orgstructure/{school}")]
    assert page["Items"][0]["Identifier"] == str(school)
    assert codes(client.get("/orgstructure/", exactOrgUnitName="School HS10")) == ["HS10"]


def test_pages_end_where_has_more_items_says_so(client: Client) -> None:
    expected = [f"HS{number}" for number in range(7)]
    for code in expected:
        client.school(code)
    found: list[str] = []
    page = client.get("/orgstructure/", orgUnitCode="HS")
    while page["PagingInfo"]["HasMoreItems"]:
        assert len(page["Items"]) == 3
        found += codes(page)
        page = client.get("/orgstructure/", orgUnitCode="HS", bookmark=page["PagingInfo"]["Bookmark"])
    assert page["PagingInfo"]["Bookmark"]
    assert found + codes(page) == expected


def test_the_platform_does_not_keep_codes_unique(client: Client) -> None:
    assert client.school("HS1") != client.school("HS1")
    assert codes(client.get("/orgstructure/", exactOrgUnitCode="HS1")) == ["HS1", "HS1"]


@pytest.mark.parametrize("code", ["", "x" * 51, *(f"A{character}B" for character in FORBIDDEN), "A\nB"])
def test_codes_that_the_platform_refuses(client: Client, code: str) -> None:
    block = {"Type": client.type_id("School"), "Name": "S", "Code": code, "Parents": [client.root()]}
    assert client.refused("POST", "/orgstructure/", block) == 400


def test_only_name_and_code_change_and_the_path_must_be_right(client: Client) -> None:
    school = client.school()
    block = client.get(f"/orgstructure/{school}")
    changed = {**block, "Name": "Other", "Code": "HS2", "Type": {"Id": client.type_id("District")}}
    assert client.call("PUT", f"/orgstructure/{school}", changed).status_code == 200
    assert client.get(f"/orgstructure/{school}") == {**block, "Name": "Other", "Code": "HS2"}
    assert client.refused("PUT", f"/orgstructure/{school}", {**changed, "Path": ""}) == 400
    assert client.refused("PUT", f"/orgstructure/{school}", {**changed, "Code": None}) == 400


def test_parents_are_added_and_removed_by_bare_numbers(client: Client) -> None:
    school, offering = client.school(), client.offering()
    client.post(f"/orgstructure/{offering}/parents/", school)
    parents = [unit["Identifier"] for unit in client.get(f"/orgstructure/{offering}/parents/")]
    assert parents[-1] == str(school)
    assert [unit["Code"] for unit in client.get(f"/orgstructure/{school}/children/")] == ["MATH-1"]
    assert str(client.root()) in {unit["Identifier"] for unit in client.get(f"/orgstructure/{offering}/ancestors/")}
    assert codes(client.get(f"/orgstructure/{client.root()}/descendants/paged/")) == ["HS1", "MATH", "MATH-1"]
    assert client.refused("POST", f"/orgstructure/{school}/parents/", offering) == 400
    assert client.refused("POST", f"/orgstructure/{offering}/parents/", {"Id": school}) == 400
    assert client.call("DELETE", f"/orgstructure/{offering}/parents/{school}").status_code == 200
    assert client.refused("DELETE", f"/orgstructure/{offering}/parents/{school}") == 404
    assert client.refused("DELETE", f"/orgstructure/{offering}/parents/{parents[0]}") == 400


def test_deleting_is_recycling_first(client: Client) -> None:
    school = client.school()
    assert client.refused("DELETE", f"/orgstructure/recyclebin/{school}") == 404
    assert client.refused("DELETE", f"/orgstructure/{school}") == 404
    client.post(f"/orgstructure/recyclebin/{school}/recycle")
    assert client.refused("GET", f"/orgstructure/{school}") == 404
    assert codes(client.get("/orgstructure/", exactOrgUnitCode="HS1")) == []
    assert codes(client.get("/orgstructure/recyclebin/")) == ["HS1"]
    client.post(f"/orgstructure/recyclebin/{school}/restore")
    assert client.get(f"/orgstructure/{school}")["Code"] == "HS1"
    client.post(f"/orgstructure/recyclebin/{school}/recycle")
    assert client.call("DELETE", f"/orgstructure/recyclebin/{school}").status_code == 200
    assert client.refused("POST", f"/orgstructure/recyclebin/{school}/restore") == 404


def test_a_new_offering_is_active_and_a_put_replaces_everything(client: Client) -> None:
    semester = {"Type": client.type_id("Semester"), "Name": "Fall", "Code": "F26", "Parents": [client.root()]}
    semester_id = int(client.post("/orgstructure/", semester)["Identifier"])
    department = {"Type": client.type_id("Department"), "Name": "Math", "Code": "D", "Parents": [client.root()]}
    department_id = int(client.post("/orgstructure/", department)["Identifier"])
    template = {"Name": "Mathematics", "Code": "MATH", "Path": "", "ParentOrgUnitIds": [department_id]}
    template_id = int(client.post("/coursetemplates/", template)["Identifier"])
    start = "2026-08-24T05:00:00.000Z"
    block = offering_block(template_id, "MATH-1", SemesterId=semester_id, StartDate=start, IsActive=False)
    offering = client.post("/courses/", block)
    assert offering["IsActive"] is True
    assert (offering["StartDate"], offering["EndDate"]) == (start, None)
    assert offering["CourseTemplate"]["Identifier"] == str(template_id)
    assert offering["Semester"]["Code"] == "F26"
    assert offering["Department"]["Code"] == "D"
    change: dict[str, Any] = {"Name": "New", "Code": "MATH-1", "StartDate": None, "EndDate": None, "IsActive": False}
    change |= {"Description": {"Content": "", "Type": "Text"}, "CanSelfRegister": False}
    path = f"/courses/{offering['Identifier']}"
    assert client.call("PUT", path, change).status_code == 200
    after = client.get(path)
    assert (after["Name"], after["StartDate"], after["IsActive"]) == ("New", None, False)
    assert client.refused("POST", "/courses/", {**block, "Path": "/content/x"}) == 400
    assert client.refused("POST", "/courses/", {**block, "CourseTemplateId": semester_id}) == 400
    assert client.refused("POST", "/courses/", {**block, "StartDate": "2026-08-24"}) == 400
    assert client.call("DELETE", path).status_code == 200
    assert client.refused("GET", path) == 404


def test_sections_need_settings_first(client: Client) -> None:
    offering = client.offering()
    block = {"Name": "Section A", "Code": "A", "Description": {"Content": "", "Type": "Text"}}
    assert client.refused("GET", f"/{offering}/sections/settings") == 404
    assert client.refused("POST", f"/{offering}/sections/", block) == 400
    client.post(f"/{offering}/sections/settings", section_settings())
    assert client.get(f"/{offering}/sections/") == []
    section = client.post(f"/{offering}/sections/", block)
    assert client.get(f"/{offering}/sections/{section['SectionId']}") == section
    assert client.refused("POST", f"/{offering}/sections/settings", section_settings()) == 400


def test_the_older_set_up_makes_sections_by_itself(client: Client) -> None:
    offering = client.offering()
    settings = section_settings(EnrollmentStyle=2, EnrollmentQuantity=2)
    assert client.call("PUT", f"/{offering}/sections/", settings).status_code == 200
    assert [section["Name"] for section in client.get(f"/{offering}/sections/")] == ["Section 1", "Section 2"]


def test_automatic_enrollment_fills_new_sections(client: Client) -> None:
    offering, user = client.offering(), client.user()
    client.enroll(user, offering)
    client.post(f"/{offering}/sections/settings", section_settings(AutoEnroll=True))
    section = client.section(offering)
    assert client.get(f"/{offering}/sections/{section}")["Enrollments"] == [user]


def test_a_course_copy_takes_a_while(client: Client) -> None:
    source, target = client.offering("SOURCE"), client.offering("TARGET")
    client.brightspace.tenant.tree.get(source).content.append("Unit 1")
    token = client.post(f"le/1.82/import/{target}/copy/", {"SourceOrgUnitId": source, "Components": None})["JobToken"]
    job = client.brightspace.tenant.copy_jobs[token]
    job.polls_left = 2
    states = [client.get(f"le/1.82/import/{target}/copy/{token}")["Status"] for _ in range(3)]
    assert states == ["PROCESSING", "COMPLETE", "COMPLETE"]
    assert client.brightspace.tenant.tree.get(target).content == ["Unit 1"]
    assert client.refused("GET", f"le/1.82/import/{source}/copy/{token}") == 404

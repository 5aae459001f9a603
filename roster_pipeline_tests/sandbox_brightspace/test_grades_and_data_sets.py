"""Gradebooks over the API and in the data sets."""

import csv
import io
import zipfile
from datetime import UTC, datetime
from typing import Any

import pytest

from roster_pipeline.sandbox.brightspace.data_sets import DataSets, data_sets
from roster_pipeline.sandbox.brightspace.gradebook import Gradebook
from roster_pipeline.sandbox.brightspace.objects import TenantError
from roster_pipeline.sandbox.brightspace_server import SandboxBrightspace
from roster_pipeline.sandbox.brightspace_tenant import Tenant

from .client import Client

DUE = datetime(2026, 10, 1, 4, 59, tzinfo=UTC)


def gradebook(client: Client) -> tuple[int, Gradebook]:
    offering = client.offering()
    return offering, client.brightspace.tenant.gradebook(offering)


def test_items_have_the_fields_of_their_type(client: Client) -> None:
    offering, book = gradebook(client)
    category = book.add_category("Homework")
    book.add_item("Essay", max_points=10, category_id=category.id, description="Write")
    book.add_item("Notes", "Text")
    gone = book.add_item("Gone")
    book.delete_item(gone.id)
    essay, notes = client.get(f"le/1.82/{offering}/grades/")
    assert (essay["Name"], essay["GradeType"], essay["MaxPoints"]) == ("Essay", "Numeric", 10)
    assert essay["CategoryId"] == category.id
    assert "MaxPoints" not in notes
    assert notes["CategoryId"] in {0, None}
    [described] = client.get(f"le/1.82/{offering}/grades/categories/")
    assert [item["Name"] for item in described["Grades"]] == ["Essay"]


def test_ipsis_settings_of_items_and_categories(client: Client) -> None:
    offering, book = gradebook(client)
    item, category = book.add_item("Essay"), book.add_category("Homework")
    path = f"le/1.82/{offering}/grades/{item.id}/ipsis"
    assert client.get(path)["AcademicSessionOrgUnitId"] is None
    assert client.call("PUT", path, {"AcademicSessionOrgUnitId": 77}).status_code == 200
    assert client.get(path)["AcademicSessionOrgUnitId"] == 77
    path = f"le/1.82/{offering}/grades/categories/{category.id}/ipsis"
    assert client.call("PUT", path, {"ExportToSIS": True}).status_code == 200
    assert client.get(path) == {"ExportToSIS": True, "AcademicSessionOrgUnitId": None}


def test_values_have_a_row_for_every_learner(client: Client) -> None:
    offering, book = gradebook(client)
    item = book.add_item("Essay", max_points=10)
    learners = [client.user(f"S{number}") for number in range(5)]
    for learner in learners:
        client.enroll(learner, offering)
    client.enroll(client.user("T1", "Instructor"), offering, "Instructor")
    book.set_score(item.id, learners[0], 8.5, comment="Good")
    book.set_score(item.id, learners[1], None)
    url: str | None = f"{client.brightspace.url}/d2l/api/le/1.82/{offering}/grades/{item.id}/values/?pageSize=2"
    rows: list[dict[str, Any]] = []
    while url:
        page = client.session.get(url, timeout=30).json()
        rows += page["Objects"]
        url = page["Next"]
    assert [int(row["User"]["Identifier"]) for row in rows] == learners
    marked = [row["GradeValue"] for row in rows if row["GradeValue"]]
    assert [(value["PointsNumerator"], value["PointsDenominator"]) for value in marked] == [(8.5, 10)]
    assert marked[0]["Comments"]["Text"] == "Good"
    graded = client.get(f"le/1.82/{offering}/grades/{item.id}/values/", isGraded="true")
    assert len(graded["Objects"]) == 1


def test_exemptions_and_restored_items(client: Client) -> None:
    offering, book = gradebook(client)
    item, learner = book.add_item("Essay"), client.user()
    client.enroll(learner, offering)
    path = f"le/1.82/{offering}/grades/{item.id}/exemptions/"
    book.exempt(item.id, learner)
    assert [user["Identifier"] for user in client.get(path)] == [str(learner)]
    book.end_exemption(item.id, learner)
    assert client.get(path) == []
    book.delete_item(item.id)
    assert client.refused("GET", path) == 404
    assert book.restore_item(item.id).id == item.id
    assert client.get(path) == []
    with pytest.raises(TenantError, match="name"):
        book.add_item("Essay")


def test_dates_of_activities(client: Client) -> None:
    offering, book = gradebook(client)
    items = [book.add_item(name) for name in ("Essay", "Quiz", "Talk")]
    book.add_activity("Assignments", "Essay", items[0].id, due_date=DUE)
    book.add_activity("Quizzes", "Quiz", items[1].id, end_date=DUE)
    book.add_activity("Discussions", "Talk", items[2].id, end_date=DUE)
    [folder] = client.get(f"le/1.82/{offering}/dropbox/folders/")
    assert (folder["GradeItemId"], folder["DueDate"]) == (items[0].id, "2026-10-01T04:59:00.000Z")
    assert folder["Availability"] is None
    [quiz] = client.get(f"le/1.82/{offering}/quizzes/")["Objects"]
    assert (quiz["DueDate"], quiz["EndDate"]) == (None, "2026-10-01T04:59:00.000Z")
    [forum] = client.get(f"le/1.82/{offering}/discussions/forums/")
    [topic] = client.get(f"le/1.82/{offering}/discussions/forums/{forum['ForumId']}/topics/")
    assert topic["GradeItemId"] == items[2].id
    assert "DueDate" not in topic


def download(client: Client, name: str, kind: str = "Full", place: int = 0) -> list[dict[str, str]]:
    found: dict[str, Any] = {}
    url: str | None = f"{client.brightspace.url}/d2l/api/lp/1.49/datasets/bds"
    while url:
        page = client.session.get(url, timeout=30).json()
        found |= {each["Full"]["Name"]: each for each in page["Objects"]}
        url = page["Next"]
    each = found[name]
    path = f"/datasets/bds/{each['SchemaId']}/plugins/{each[kind]['PluginId']}/extracts"
    extract = client.get(path)["Objects"][place]
    content = client.session.get(extract["DownloadLink"], timeout=30).content
    assert len(content) == extract["DownloadSize"]
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        [member] = archive.namelist()
        text = archive.read(member)
    assert text.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(text.decode("utf-8-sig"), newline="")))


def test_data_sets_tell_what_the_tenant_holds(client: Client) -> None:
    offering, book = gradebook(client)
    category = book.add_category("Homework")
    item = book.add_item("Essay, final", max_points=10, category_id=category.id)
    learner = client.user()
    client.enroll(learner, offering)
    book.set_score(item.id, learner, 8.5, comment='He said "no"\nand left')
    client.brightspace.data_sets.publish()
    assert {row["UserName"] for row in download(client, "Users")} == {"service.user", "u.S1"}
    assert {row["Type"] for row in download(client, "Organizational Units")} >= {"Course Offering", "Course Template"}
    assert any(row["OrgUnitId"] == str(offering) for row in download(client, "Organizational Unit Parents"))
    assert any(row["OrgUnitId"] == str(offering) for row in download(client, "User Enrollments"))
    objects = {row["Name"]: row for row in download(client, "Grade Objects")}
    assert objects["Essay, final"]["ParentGradeObjectId"] == objects["Homework"]["GradeObjectId"]
    assert (objects["Homework"]["GradeObjectTypeId"], objects["Essay, final"]["IsDeleted"]) == ("9", "False")
    [result] = download(client, "Grade Results")
    assert (result["PointsNumerator"], result["Comments"]) == ("8.500000000", 'He said "no"\nand left')


def test_differentials_hold_new_and_changed_rows_only(client: Client) -> None:
    _, book = gradebook(client)
    kept, gone = book.add_item("Kept"), book.add_item("Gone")
    client.brightspace.data_sets.publish()
    assert len(download(client, "Grade Objects", "Differential")) == 2
    book.delete_item(gone.id)
    book.add_item("New")
    user = client.user()
    client.call("DELETE", f"/users/{user}")
    client.brightspace.data_sets.publish()
    changed = {row["Name"]: row["IsDeleted"] for row in download(client, "Grade Objects", "Differential")}
    assert changed == {"Gone": "True", "New": "False"}
    assert download(client, "Users", "Differential") == []
    assert {row["Name"] for row in download(client, "Grade Objects")} == {"Kept", "Gone", "New"}
    assert {row["Name"] for row in download(client, "Grade Objects", place=1)} == {"Kept", "Gone"}
    assert kept.id


def test_the_later_schema_has_no_exemptions() -> None:
    tenant = Tenant()
    hub = DataSets(tenant, data_sets(with_exemptions=False))
    with SandboxBrightspace(tenant, data_sets=hub) as brightspace:
        client = Client(brightspace)
        offering, book = gradebook(client)
        learner = client.user()
        client.enroll(learner, offering)
        book.set_score(book.add_item("Essay").id, learner, 1)
        hub.publish()
        [row] = download(client, "Grade Results")
    assert "IsExempt" not in row
    assert list(row)[-1] == "IsDeleted"


def test_categories_are_made_and_deleted_and_names_may_repeat(client: Client) -> None:
    offering, book = gradebook(client)
    path = f"le/1.82/{offering}/grades/categories/"
    body = {"Name": "Homework", "ShortName": "", "CanExceedMax": False, "ExcludeFromFinalGrade": False}
    made = [client.post(path, body)["Id"] for _ in range(2)]
    item = book.add_item("Essay", category_id=made[0])
    assert [category["Id"] for category in client.get(path)] == made
    assert client.call("DELETE", f"{path}{made[0]}").status_code == 200
    assert [category["Id"] for category in client.get(path)] == made[1:]
    assert book.item(item.id).category_id is None
    assert client.refused("POST", path, {**body, "Name": " "}) == 400
    assert client.refused("POST", path, {"Name": "Labs"}) == 400
    assert client.call("PUT", f"{path}{made[1]}", body).status_code in {404, 405}

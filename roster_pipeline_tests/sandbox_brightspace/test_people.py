"""Users, enrollments, auditors."""

from typing import Any

from roster_pipeline.sandbox.brightspace.objects import RoleSettings
from roster_pipeline.sandbox.brightspace_server import SandboxBrightspace
from roster_pipeline.sandbox.brightspace_tenant import Tenant

from .client import Client, user_block


def rows(client: Client, path: str, **query: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    page = client.get(path, **query)
    items += page["Items"]
    while page["PagingInfo"]["HasMoreItems"]:
        page = client.get(path, **query, bookmark=page["PagingInfo"]["Bookmark"])
        items += page["Items"]
    return items


def test_looking_for_users_answers_in_three_shapes(client: Client) -> None:
    first, second = client.user("S1"), client.user("S1", UserName="other")
    assert [user["UserId"] for user in client.get("/users/", orgDefinedId="S1")] == [first, second]
    assert client.get("/users/", userName="U.s1")["UserId"] == first
    assert {user["UserName"] for user in rows(client, "/users/")} == {"service.user", "u.S1", "other"}
    assert client.refused("GET", "/users/", orgDefinedId="S2") == 404
    assert client.refused("GET", "/users/", userName="nobody") == 404


def test_usernames_are_unique_and_names_needed(client: Client) -> None:
    role = client.role_id("Learner")
    client.user("S1")
    assert client.refused("POST", "/users/", user_block("S2", role, UserName="U.S1")) == 400
    assert client.refused("POST", "/users/", user_block("S2", role, LastName=" ")) == 400
    assert client.refused("POST", "/users/", user_block("S2", role, LastName="L" * 65)) == 400
    assert client.refused("POST", "/users/", user_block("S2", 99)) == 400


def test_a_put_replaces_a_user_and_leaves_the_role(client: Client) -> None:
    user = client.user("S1", ExternalEmail="ada@example.org")
    block: dict[str, Any] = {
        "OrgDefinedId": "S9",
        "FirstName": "Ada",
        "MiddleName": None,
        "LastName": "King",
        "ExternalEmail": None,
    }
    block |= {"UserName": "ada.king", "Activation": {"IsActive": False}, "Pronouns": None}
    assert client.call("PUT", f"/users/{user}", block).status_code == 200
    after = client.get(f"/users/{user}")
    assert (after["UserName"], after["ExternalEmail"], after["Activation"]) == ("ada.king", None, {"IsActive": False})
    assert client.get("/users/", orgDefinedId="S9")[0]["UserId"] == user
    assert client.refused("GET", "/users/", orgDefinedId="S1") == 404
    assert client.call("PUT", f"/users/{user}/activation", {"IsActive": True}).json() == {"IsActive": True}


def test_a_batch_of_users_answers_200_and_names_what_failed(client: Client) -> None:
    role = client.role_id("Learner")
    failed = client.post("/users/batch/", [user_block("S1", role), user_block("S2", 99)])
    assert [(row["UserName"], row["StatusError"]) for row in failed] == [("u.S2", 400)]
    assert len(client.get("/users/", orgDefinedId="S1")) == 1


def test_a_new_user_is_in_the_organization(client: Client) -> None:
    user = client.user(role="Instructor")
    found = rows(client, f"/enrollments/users/{user}/orgUnits/")
    assert [(row["OrgUnit"]["Id"], row["Role"]["Name"]) for row in found] == [(client.root(), "Instructor")]


def test_enrolling_again_changes_the_role(client: Client) -> None:
    user, school = client.user(), client.school()
    client.enroll(user, school)
    client.enroll(user, school, "Aide")
    assert client.get(f"/enrollments/orgUnits/{school}/users/{user}")["RoleId"] == client.role_id("Aide")
    [row] = rows(client, f"/enrollments/orgUnits/{school}/users/")
    assert (row["User"]["Identifier"], row["Role"]["Name"]) == (str(user), "Aide")
    kinds = [creation.kind for creation in client.brightspace.tenant.creations if user in creation.key]
    assert kinds == ["user", "enrollment", "enrollment"]


def test_a_batch_of_enrollments_answers_200_and_names_what_failed(client: Client) -> None:
    role, school = client.role_id("Learner"), client.school()
    users = [client.user(f"S{number}") for number in range(5)]
    blocks = [{"OrgUnitId": school, "UserId": user, "RoleId": role} for user in users]
    wrong = {"OrgUnitId": school, "UserId": 1, "RoleId": role}
    [failed] = client.post("/enrollments/batch/", [*blocks[:3], wrong, *blocks[3:]])
    assert {name: failed[name] for name in wrong} == wrong
    assert failed["StatusCode"] == 404
    assert [int(row["User"]["Identifier"]) for row in rows(client, f"/enrollments/orgUnits/{school}/users/")] == users
    assert client.post("/enrollments/batch/", blocks) == []


def test_a_batch_holds_a_thousand(client: Client) -> None:
    block = {"OrgUnitId": client.school(), "UserId": client.user(), "RoleId": client.role_id("Learner")}
    assert client.post("/enrollments/batch/", [block] * 1000) == []
    assert client.refused("POST", "/enrollments/batch/", [block] * 1001) == 400


def test_a_section_takes_people_of_its_offering_only(client: Client) -> None:
    offering, user = client.offering(), client.user()
    section = client.section(offering)
    path = f"/{offering}/sections/{section}/enrollments/"
    assert client.refused("POST", path, {"UserId": user}) == 400
    client.enroll(user, offering, "Instructor")
    client.post(path, {"UserId": user})
    assert client.get(f"/enrollments/orgUnits/{section}/users/{user}")["RoleId"] == client.role_id("Instructor")
    gone = client.call("DELETE", f"/enrollments/orgUnits/{offering}/users/{user}")
    assert (gone.status_code, gone.json()["OrgUnitId"]) == (200, offering)
    assert client.refused("GET", f"/enrollments/orgUnits/{section}/users/{user}") == 404


def test_leaving_a_section_by_the_api_is_not_leaving_the_offering(client: Client) -> None:
    offering, user = client.offering(), client.user()
    section = client.section(offering)
    client.enroll(user, offering)
    client.enroll(user, section)
    assert client.call("DELETE", f"/enrollments/users/{user}/orgUnits/{section}").status_code == 200
    assert client.refused("DELETE", f"/enrollments/users/{user}/orgUnits/{section}") == 404
    assert client.get(f"/enrollments/orgUnits/{offering}/users/{user}")["UserId"] == user


def test_a_cascading_role_reaches_everything_below(client: Client) -> None:
    offering, user = client.offering(), client.user()
    school = client.school()
    client.post(f"/orgstructure/{offering}/parents/", school)
    client.enroll(user, school, "Super Administrator")
    assert client.get(f"/enrollments/orgUnits/{offering}/users/{user}")["IsCascading"] is True
    section = client.section(offering)
    assert client.get(f"/enrollments/orgUnits/{section}/users/{user}")["IsCascading"] is True
    client.enroll(user, school, "Aide")
    assert client.refused("GET", f"/enrollments/orgUnits/{offering}/users/{user}") == 404


def test_a_role_may_be_forbidden_in_a_type_of_org_unit() -> None:
    roles = [RoleSettings("Administrator"), RoleSettings("Learner", forbidden_types=frozenset({"School"}))]
    with SandboxBrightspace(Tenant(roles=roles)) as brightspace:
        client = Client(brightspace)
        block = {"OrgUnitId": client.school(), "UserId": client.user(), "RoleId": client.role_id("Learner")}
        assert client.refused("POST", "/enrollments/", block) == 403
        assert client.post("/enrollments/batch/", [block])[0]["StatusCode"] == 403


def test_auditors(client: Client) -> None:
    child, parent = client.user("S1"), client.user("G1", "Guardian")
    path = f"le/1.82/auditing/auditors/{parent}/auditees/"
    client.post(path, child)
    client.post(path, child)
    assert [user["Identifier"] for user in client.get(path)] == [str(child)]
    assert client.call("DELETE", path, child).status_code == 200
    assert client.refused("DELETE", path, child) == 404
    assert client.get(path) == []


def test_a_deleted_user_leaves_nothing(client: Client) -> None:
    child, parent, school = client.user("S1"), client.user("G1", "Guardian"), client.school()
    client.enroll(child, school)
    client.post(f"le/1.82/auditing/auditors/{parent}/auditees/", child)
    assert client.call("DELETE", f"/users/{child}").status_code == 200
    assert rows(client, f"/enrollments/orgUnits/{school}/users/") == []
    assert client.get(f"le/1.82/auditing/auditors/{parent}/auditees/") == []
    assert client.user("S1", UserName="u.S1") != child

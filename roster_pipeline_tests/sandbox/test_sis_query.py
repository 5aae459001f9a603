"""Paging, sorting, filtering and selection of fields."""

import re
import time
from collections.abc import Callable
from datetime import date

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from roster_pipeline.sandbox.generator import make_district
from roster_pipeline.sandbox.objects import LineItem, Org, User
from roster_pipeline.sandbox.sis.answers import RefusedError
from roster_pipeline.sandbox.sis.filtering import parse_filter
from roster_pipeline.sandbox.sis.query import Query, links, parse_query
from roster_pipeline.sandbox.sis_server import SandboxSis

from .client import Client, code_minor


def relations(answer: requests.Response) -> dict[str, str]:
    return {relation: link["url"] for relation, link in answer.links.items()}


def test_without_a_limit_a_page_has_a_hundred_rows(shared_client: Client) -> None:
    answer = shared_client.get("users")

    assert len(answer.json()["users"]) == 100
    assert int(answer.headers["X-Total-Count"]) == len(shared_client.sis.district.all(User))


def test_pages_by_offset_are_the_whole_collection(shared_client: Client) -> None:
    pages = [shared_client.ids("users", limit=77, offset=offset) for offset in range(0, 1000, 77)]

    assert [sourced_id for page in pages for sourced_id in page] == list(shared_client.sis.district.all(User))


def test_following_next_links_reads_the_whole_collection_once(shared_client: Client) -> None:
    answer = shared_client.get("users", limit=50, filter="role='student'", sort="familyName")
    ids = [user["sourcedId"] for user in answer.json()["users"]]
    while url := relations(answer).get("next"):
        answer = shared_client.session.get(url, timeout=30)
        ids += [user["sourcedId"] for user in answer.json()["users"]]

    assert len(ids) == len(set(ids)) == 200
    assert "prev" in relations(answer)


def test_links_keep_the_path_percent_encoded(client: Client) -> None:
    client.sis.district.rename_sourced_ids(Org, lambda sourced_id: f"{sourced_id}/x y")

    answer = client.get("schools/org-0101%2Fx%20y/students", limit=5)

    assert relations(answer)["next"].startswith(f"{client.sis.endpoint_url}/schools/org-0101%2Fx%20y/students?limit=5")
    assert client.session.get(relations(answer)["next"], timeout=30).status_code == 200


@given(total=st.integers(0, 60), limit=st.integers(1, 20), start=st.integers(0, 80))
def test_links_lead_to_pages_that_are_there(total: int, limit: int, start: int) -> None:
    found = {
        relation: int(re.findall(r"offset=(\d+)", url)[0])
        for relation, url in links("http://sis/users", "sort=a", Query(limit=limit, offset=start), total)
    }

    assert found["first"] == 0
    assert found["last"] == (0 if total == 0 else (total - 1) // limit * limit)
    assert ("next" in found) == (start + limit < total)
    assert found.get("next", start + limit) == start + limit
    assert ("prev" in found) == (start > 0)


def test_an_offset_behind_the_end_gives_an_empty_page(shared_client: Client) -> None:
    answer = shared_client.get("orgs", offset=1000)

    assert answer.json() == {"orgs": []}
    assert "next" not in relations(answer)


def test_the_query_of_the_standard_is_read() -> None:
    assert parse_query("limit=5&offset=10&sort=a&orderBy=desc&filter=b%3D'c'&fields=d,e") == Query(
        5, 10, "a", "desc", "b='c'", ("d", "e")
    )
    assert parse_query("") == Query(100, 0, None, "asc", None, None)


@pytest.mark.parametrize("query", ["limit=0", "limit=-1", "limit=x", "offset=-1", "offset=1.5", "orderBy=up"])
def test_numbers_that_are_none_are_refused(query: str) -> None:
    with pytest.raises(RefusedError) as refused:
        parse_query(query)

    assert refused.value.info.http_status == 400


def test_sorting_both_ways_and_stable(shared_client: Client) -> None:
    up = shared_client.ids("users", sort="sourcedId", limit=10_000)
    down = shared_client.ids("users", sort="sourcedId", orderBy="desc", limit=10_000)
    by_role = shared_client.rows("users", sort="role", limit=10_000)

    assert up == sorted(shared_client.sis.district.all(User))
    assert down == up[::-1]
    roles = [user["role"] for user in by_role]
    assert roles == sorted(roles)


def test_numbers_sort_as_numbers(client: Client) -> None:
    client.sis.district.put(*(line_item(f"l{points}", points) for points in (100.0, 20.0, 3.0)))

    assert client.ids("lineItems", sort="resultValueMax") == ["l3.0", "l20.0", "l100.0"]


def test_sorting_by_the_id_of_a_reference(shared_client: Client) -> None:
    schools = [row["school"]["sourcedId"] for row in shared_client.rows("classes", sort="school.sourcedId", limit=500)]

    assert schools == sorted(schools)
    assert len(set(schools)) > 1


def test_a_sort_by_no_field_is_passed_over_with_a_warning(shared_client: Client) -> None:
    answer = shared_client.get("orgs", sort="shoeSize")

    assert answer.status_code == 200
    assert [org["sourcedId"] for org in answer.json()["orgs"]] == list(shared_client.sis.district.all(Org))
    status = answer.json()["statusInfoSet"][0]
    assert (status["imsx_codeMinor"], status["imsx_severity"]) == ("invalid_sort_field", "warning")
    assert status["imsx_codeMajor"] == "success"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("role='student'", lambda u: u.role == "student"),
        ("role!='student'", lambda u: u.role != "student"),
        ("familyName~'SON'", lambda u: "son" in u.family_name.lower()),
        ("username>'m'", lambda u: u.username > "m"),
        ("username<='m'", lambda u: u.username <= "m"),
        ("grades='09'", lambda u: "09" in u.grades),
        ("orgs.sourcedId='org-0101'", lambda u: "org-0101" in u.org_sourced_ids),
        ("enabledUser='true'", lambda u: u.enabled_user),
        ("identifier='none'", lambda _: False),
        ("identifier!='none'", lambda _: True),
        ("role='teacher' OR role='aide'", lambda u: u.role in ("teacher", "aide")),
        ("role='student' AND grades='KG'", lambda u: u.role == "student" and "KG" in u.grades),
        ("userIds.type='LDAP'", lambda u: bool(u.user_ids)),
        ("familyName='O''Brien'", lambda u: u.family_name == "O'Brien"),
        ("dateLastModified>'2026-09-01T04:59:59.000Z'", lambda _: True),
        ("dateLastModified>='2026-09-02'", lambda _: False),
    ],
)
def test_filters(shared_client: Client, expression: str, expected: Callable[[User], bool]) -> None:
    users = shared_client.sis.district.all(User).values()
    answer = shared_client.get("users", filter=expression, limit=100_000)

    ids = [user["sourcedId"] for user in answer.json()["users"]]
    assert ids == [user.sourced_id for user in users if expected(user)]
    assert answer.headers["X-Total-Count"] == str(len(ids)), "the total counts what the filter lets through"


def test_filters_on_numbers_and_metadata(client: Client) -> None:
    client.sis.district.put(line_item("small", 9.0), line_item("large", 100.0, metadata={"unit": "A1"}))

    assert client.ids("lineItems", filter="resultValueMax>'10'") == ["large"]
    assert client.ids("lineItems", filter="metadata.unit='a1'") == ["large"]
    assert client.ids("lineItems", filter="resultValueMax>'many'") == []


@pytest.mark.parametrize(
    "expression",
    [
        "role=student", "role = 'student'", "shoeSize='9'", "orgs='x'", "class.title='x'",
        "role='a' AND role='b' AND role='c'", "role='a' and role='b'", "(role='a')", "role='a", "password.x='a'",
    ],
)  # fmt: skip
def test_filters_that_the_standard_does_not_have_are_refused(shared_client: Client, expression: str) -> None:
    answer = shared_client.get("users", filter=expression)

    assert (answer.status_code, code_minor(answer)) == (400, "invalid_filter_field")


@given(value=st.text(), operator=st.sampled_from(["=", "!=", "~"]))
@settings(max_examples=100)
def test_any_text_can_be_a_value_when_its_quotes_are_doubled(value: str, operator: str) -> None:
    user = make_user(family_name=value)
    doubled = value.replace("'", "''")

    holds = parse_filter(f"familyName{operator}'{doubled}'", User)(user)

    assert holds == (operator != "!=")


def test_selected_fields_only(shared_client: Client) -> None:
    rows = shared_client.rows("users", fields="sourcedId, familyName", limit=3)
    one = shared_client.get("users/stu-000001", fields="grades").json()

    assert [set(row) for row in rows] == [{"sourcedId", "familyName"}] * 3
    assert set(one["user"]) == {"grades"}


def test_a_selection_with_an_unknown_field_is_passed_over_with_a_warning(shared_client: Client) -> None:
    answer = shared_client.get("orgs", fields="name,shoeSize", limit=1)

    assert answer.status_code == 200
    assert {"name", "type", "sourcedId"} <= set(answer.json()["orgs"][0])
    assert code_minor(answer) == "invalid_selection_field"


@pytest.mark.parametrize("path", ["users", "users/stu-000001"])
def test_a_blank_selection_is_refused(shared_client: Client, path: str) -> None:
    answer = shared_client.get(path, fields=" ")

    assert (answer.status_code, code_minor(answer)) == (400, "invalid_blank_selection_field")


@pytest.mark.benchmark
def test_a_page_of_a_thousand_rows_costs_less_than_twenty_milliseconds() -> None:
    with SandboxSis(make_district(20_000)) as sis:
        client = Client(sis)
        with client.session:
            client.get("enrollments", limit=1)
            times: list[float] = []
            for offset in range(0, 100_000, 1000):
                started = time.perf_counter()
                client.get("enrollments", limit=1000, offset=offset)
                times.append(time.perf_counter() - started)

    assert sorted(times)[len(times) // 2] < 0.020


def make_user(family_name: str) -> User:
    return User(
        sourced_id="u", date_last_modified="2026-10-01T00:00:00.000Z", org_sourced_ids=("o",), role="student",
        username="u", given_name="A", family_name=family_name,
    )  # fmt: skip


def line_item(sourced_id: str, points: float, metadata: dict[str, str] | None = None) -> LineItem:
    return LineItem(
        sourced_id=sourced_id, date_last_modified="2026-10-01T00:00:00.000Z", title="Quiz",
        assign_date="2026-10-01T00:00:00.000Z", due_date=f"{date(2026, 10, 1)}T00:00:00.000Z",
        class_sourced_id="sec-2027-0101-0001", result_value_min=0.0, result_value_max=points, metadata=metadata,
    )  # fmt: skip

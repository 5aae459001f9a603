"""Every fault does what its description says, and nothing before it is switched on."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import orjson
import pytest
import requests

from roster_pipeline.sandbox.district import District
from roster_pipeline.sandbox.generator import make_district
from roster_pipeline.sandbox.objects import Enrollment, User
from roster_pipeline.sandbox.sis.faults import Fault, describe_faults, parse_fault
from roster_pipeline.sandbox.sis_server import SandboxSis

from .client import Client, code_minor
from .gradebook_bodies import CLASS, line_item, reference, result


@contextmanager
def switched_on(client: Client, *faults: str) -> Iterator[None]:
    """Faults that leave the data and the set-up alone, on a server that others use too."""
    parsed = [parse_fault(text) for text in faults]
    for fault in parsed:
        client.sis.switch_on(fault)
    try:
        yield
    finally:
        for fault in parsed:
            client.sis.switch_off(fault)


class TestRegistry:
    def test_every_fault_is_described_in_one_line(self) -> None:
        described = describe_faults()

        assert len(described) == len(Fault.by_name) > 50
        assert all(name == name.lower() and description.endswith(".") for name, description, _ in described)

    def test_parameters_come_with_their_type(self) -> None:
        fault = parse_fault("unavailable:resource=users, count=none,status=502")

        assert vars(fault) == {
            "resource": "users", "method": None, "page": None, "count": None, "struck": 0, "status": 502,
        }  # fmt: skip

    def test_dashes_will_do(self) -> None:
        assert type(parse_fault("limit-cap")) is type(parse_fault("limit_cap"))

    @pytest.mark.parametrize(
        ("text", "remedy"),
        [
            ("limt_cap", "there are: .*limit_cap"),
            ("limit_cap:lim=5", "it has: limit"),
            ("limit_cap:limit=many", "limit: Input should be a valid integer"),
            ("bare_array:x=1", "it has: none"),
            ("put_refused_for_student", "student: Field required"),
            ("oauth1:signature_method=MD5", "signature_method"),
        ],
    )
    def test_a_mistake_is_told_with_the_remedy(self, text: str, remedy: str) -> None:
        with pytest.raises(ValueError, match=remedy):
            parse_fault(text)


class TestPaging:
    def test_limit_cap(self, shared_client: Client) -> None:
        with switched_on(shared_client, "limit_cap:limit=7"):
            answer = shared_client.get("users", limit=50)
            assert len(answer.json()["users"]) == 7
            assert "limit=7&offset=7" in answer.links["next"]["url"]
            assert len(shared_client.ids("users", limit=3)) == 3

    def test_limit_ignored(self, shared_client: Client) -> None:
        with switched_on(shared_client, "limit_ignored"):
            everybody = shared_client.ids("users", limit=5)
            assert everybody == list(shared_client.sis.district.all(User))
            assert shared_client.ids("users", limit=5, offset=10) == everybody[10:]

    def test_offset_ignored(self, shared_client: Client) -> None:
        with switched_on(shared_client, "offset_ignored"):
            assert shared_client.ids("users", limit=5, offset=10) == shared_client.ids("users", limit=5)

    def test_no_total_and_no_links(self, shared_client: Client) -> None:
        with switched_on(shared_client, "no_total", "no_links"):
            headers = shared_client.get("users", limit=5).headers
            assert {"X-Total-Count", "Link"}.isdisjoint(headers)

    @pytest.mark.parametrize("difference", [10, -3])
    def test_wrong_total(self, shared_client: Client, difference: int) -> None:
        with switched_on(shared_client, f"wrong_total:difference={difference}"):
            total = int(shared_client.get("users").headers["X-Total-Count"])
            assert total == len(shared_client.sis.district.all(User)) + difference

    def test_next_link_off_by_one(self, shared_client: Client) -> None:
        total = len(shared_client.sis.district.all(User))
        with switched_on(shared_client, "next_link_off_by_one"):
            last = shared_client.get("users", limit=total)
            behind = shared_client.session.get(last.links["next"]["url"], timeout=30)
            assert behind.json() == {"users": []}
            assert "next" not in behind.links

    def test_next_link_to_other_host(self, shared_client: Client) -> None:
        with switched_on(shared_client, "next_link_to_other_host:host=http://127.0.0.1:1"):
            links = shared_client.get("users", limit=5).links
            assert links["next"]["url"].startswith("http://127.0.0.1:1/ims/oneroster/v1p1/users?limit=5")
            assert links["last"]["url"].startswith(shared_client.sis.url)

    def test_empty_collections(self, shared_client: Client) -> None:
        assert shared_client.get("lineItems").json() == {"lineItems": []}
        with switched_on(shared_client, "null_collections"):
            assert shared_client.get("lineItems").json() == {"lineItems": None}
            assert shared_client.rows("orgs")
        with switched_on(shared_client, "not_found_when_empty"):
            assert shared_client.get("lineItems").status_code == 404
            assert shared_client.get("orgs", offset=1000).status_code == 200

    def test_envelopes(self, shared_client: Client) -> None:
        with switched_on(shared_client, "bare_array"):
            assert isinstance(shared_client.get("students", limit=1).json(), list)
        with switched_on(shared_client, "envelope_by_path"):
            assert list(shared_client.get("students", limit=1).json()) == ["students"]
            assert list(shared_client.get("schools/org-0101/terms").json()) == ["terms"]

    def test_last_row_twice(self, shared_client: Client) -> None:
        with switched_on(shared_client, "last_row_twice"):
            ids = shared_client.ids("users", limit=5)
            assert len(ids) == 6
            assert ids[4] == ids[5]

    def test_queries_unsupported_or_ignored(self, shared_client: Client) -> None:
        plain = shared_client.ids("users", limit=20)
        for unsupported, ignored, query in (
            ("filter_unsupported", "filter_ignored", {"filter": "role='student'"}),
            ("sort_unsupported", "sort_ignored", {"sort": "familyName", "orderBy": "desc"}),
        ):
            with switched_on(shared_client, unsupported):
                assert shared_client.get("users", **query).status_code == 400
                assert shared_client.get("users").status_code == 200
            with switched_on(shared_client, ignored):
                assert shared_client.ids("users", limit=20, **query) == plain
            assert shared_client.ids("users", limit=20, **query) != plain
        with switched_on(shared_client, "fields_ignored"):
            assert "familyName" in shared_client.rows("users", limit=1, fields="sourcedId")[0]


class TestRows:
    def test_status_and_date_missing(self, shared_client: Client) -> None:
        with switched_on(shared_client, "status_missing", "last_modified_missing"):
            assert {"status", "dateLastModified"}.isdisjoint(shared_client.rows("users", limit=1)[0])
            assert "status" not in shared_client.get("users/stu-000001").json()["user"]

    def test_references_as_text(self, shared_client: Client) -> None:
        with switched_on(shared_client, "references_as_text"):
            class_ = shared_client.rows("classes", limit=1)[0]
            assert (class_["school"], class_["terms"]) == ("org-0101", ["term-2027-1", "term-2027-2"])
            assert shared_client.get("orgs/org-0101").json()["org"]["parent"] == "org-0001"

    def test_values_as_text(self, shared_client: Client) -> None:
        with switched_on(shared_client, "booleans_as_text"):
            assert shared_client.rows("users", limit=1)[0]["enabledUser"] == "true"
            assert shared_client.rows("enrollments", limit=1)[0]["primary"] == "true"

    def test_numbers_as_text(self, client: Client) -> None:
        client.put("lineItems", "lineItem", line_item())
        with switched_on(client, "numbers_as_text"):
            assert client.get("lineItems/li-1").json()["lineItem"]["resultValueMax"] == "20.0"

    def test_wrong_case_enumerations(self, shared_client: Client) -> None:
        with switched_on(shared_client, "wrong_case_enumerations"):
            user = shared_client.get("users/stu-000001").json()["user"]
            assert (user["role"], user["status"], user["sourcedId"]) == ("STUDENT", "ACTIVE", "stu-000001")
            assert shared_client.rows("academicSessions", limit=1)[0]["type"] == "SCHOOLYEAR"
            assert user["orgs"][0]["type"] == "org"

    def test_nulls(self, shared_client: Client) -> None:
        with switched_on(shared_client, "null_lists", "null_optionals"):
            administrator = shared_client.get("users/stf-501").json()["user"]
            assert (administrator["agents"], administrator["grades"]) == (None, None)
            assert administrator["identifier"] is None
            assert administrator["email"]
            assert shared_client.get("orgs/org-0001").json()["org"]["parent"] is None
            assert "email" not in shared_client.get("orgs/org-0001").json()["org"]

    def test_single_values_instead_of_lists(self, shared_client: Client) -> None:
        with switched_on(shared_client, "single_values_instead_of_lists"):
            user = shared_client.get("users/stu-000001").json()["user"]
            assert (user["grades"], user["orgs"]["sourcedId"]) == ("KG", "org-0101")

    def test_a_row_inserted_while_paging_shifts_the_pages(self, client: Client) -> None:
        client.sis.switch_on(parse_fault("row_inserted_while_paging"))

        first = client.get("users", limit=50, sort="sourcedId")
        second = client.get("users", limit=50, offset=50, sort="sourcedId")

        first_ids, second_ids = ([user["sourcedId"] for user in page.json()["users"]] for page in (first, second))
        assert first_ids[-1] == second_ids[0]
        assert int(second.headers["X-Total-Count"]) == int(first.headers["X-Total-Count"]) + 1
        assert client.ids("users", limit=1)[0].startswith("!inserted-")
        assert client.get("users", offset=50).headers["X-Total-Count"] == second.headers["X-Total-Count"], "once only"

    def test_a_row_deleted_while_paging_hides_another(self, client: Client, district: District) -> None:
        client.sis.switch_on(parse_fault("row_deleted_while_paging"))
        everything = list(district.all(Enrollment))

        first = client.ids("enrollments", limit=50)
        rest = client.ids("enrollments", limit=10_000, offset=50)
        second = client.ids("enrollments", limit=50, offset=50)

        assert len(rest) == len(everything) - 50, "with another limit the offset of 50 is on the first page"
        assert first == everything[:50]
        assert second[0] == everything[51]
        assert everything[50] not in first + second
        assert everything[50] in district.all(Enrollment)

    def test_awkward_sourced_ids(self, district: District) -> None:
        with SandboxSis(district, faults=[parse_fault("awkward_sourced_ids")]) as sis:
            client = Client(sis)
            with client.session:
                class_ = client.rows("enrollments", limit=1)[0]["class"]
                students = client.session.get(f"{class_['href']}/students", timeout=30).json()["users"]

        assert students
        for sourced_id in (class_["sourcedId"], students[0]["sourcedId"]):
            assert set("/:%# ç") <= set(sourced_id)


class TestAnswers:
    @pytest.mark.parametrize("form", ["seconds", "date", "none"])
    def test_too_many_requests(self, shared_client: Client, form: str) -> None:
        asked = datetime.now(UTC)
        with switched_on(shared_client, f"too_many_requests:retry_after={form},seconds=5,count=2"):
            answers = [shared_client.get("orgs") for _ in range(3)]

        assert [answer.status_code for answer in answers] == [429, 429, 200]
        assert code_minor(answers[0]) == "server_busy"
        retry_after = answers[0].headers.get("Retry-After")
        if form == "date":
            # Whole seconds; and the answer came some time after the question.
            wait = parsedate_to_datetime(str(retry_after)) - asked
            assert 4 < wait.total_seconds() <= 5 + (datetime.now(UTC) - asked).total_seconds()
        else:
            assert retry_after == {"seconds": "5", "none": None}[form]

    def test_faults_are_aimed(self, shared_client: Client) -> None:
        with switched_on(shared_client, "unavailable:resource=users,page=2,method=GET,count=2"):
            requests_ = [("orgs", 0), ("users", 0), ("users", 100), ("users", 200), ("users", 300)]
            codes = [shared_client.get(path, offset=offset).status_code for path, offset in requests_]

        assert codes == [200, 200, 503, 503, 200]

    def test_unauthorized_mid_run(self, client: Client) -> None:
        client.sis.switch_on(parse_fault("unauthorized_mid_run"))

        codes = [client.get("users", limit=10, offset=offset).status_code for offset in (0, 10, 10)]
        client.sign_in()

        assert codes == [200, 401, 401], "the old token is worth nothing any more"
        assert client.get("users", limit=10, offset=10).status_code == 200

    def test_stops_mid_way(self, shared_client: Client) -> None:
        with switched_on(shared_client, "stops_mid_way:resource=users,page=3"):
            codes = [shared_client.get("users", limit=10, offset=offset).status_code for offset in range(0, 60, 10)]
            assert shared_client.get("orgs").status_code == 200

        assert codes == [200, 200, 500, 500, 500, 500]

    def test_collection_forbidden(self, shared_client: Client) -> None:
        with switched_on(shared_client, "collection_forbidden:resource=enrollments"):
            answer = shared_client.get("enrollments")
            assert (answer.status_code, code_minor(answer)) == (403, "forbidden")
            assert shared_client.get("users").status_code == 200

    def test_failure_told_as_success(self, shared_client: Client) -> None:
        with switched_on(shared_client, "failure_told_as_success"):
            answer = shared_client.get("users")

        assert answer.status_code == 200
        assert answer.json()["statusInfoSet"][0]["imsx_codeMajor"] == "failure"

    def test_html_answer(self, shared_client: Client) -> None:
        with switched_on(shared_client, "html_answer"):
            answer = shared_client.get("users")

        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert answer.text.startswith("<!DOCTYPE html>")

    def test_truncated_json(self, shared_client: Client) -> None:
        whole = shared_client.get("users").content
        with switched_on(shared_client, "truncated_json"):
            answer = shared_client.get("users")

        assert answer.status_code == 200
        assert answer.content == whole[: len(whole) // 2]
        assert answer.headers["X-Total-Count"]
        with pytest.raises(orjson.JSONDecodeError):
            orjson.loads(answer.content)

    def test_connection_cut(self, shared_client: Client) -> None:
        with switched_on(shared_client, "connection_cut"):
            with pytest.raises(requests.exceptions.ChunkedEncodingError):
                shared_client.get("users")
            assert shared_client.sis.requests[-1].status is None
            assert shared_client.get("users").status_code == 200

    def test_redirect_to_other_host(self, shared_client: Client) -> None:
        with switched_on(shared_client, "redirect_to_other_host:host=http://127.0.0.1:1"):
            answer = shared_client.get("users", limit=1)

        assert answer.status_code == 302
        assert answer.headers["Location"] == "http://127.0.0.1:1/ims/oneroster/v1p1/users?limit=1"

    def test_slow_answers(self, shared_client: Client) -> None:
        with switched_on(shared_client, "slow_answers:seconds=0.2"):
            started = time.monotonic()
            shared_client.get("orgs")

        assert time.monotonic() - started >= 0.2

    @pytest.mark.parametrize(
        ("shape", "code"),
        [
            ("status_info_set", '"imsx_codeMinor":"unknown object"'),
            ("openapi", '"imsx_codeMinorFieldValue":"unknownobject"'),
            ("capitalised", '"CodeMinor":"unknown object"'),
        ],
    )
    def test_error_bodies(self, client: Client, shape: str, code: str) -> None:
        client.sis.switch_on(parse_fault(f"error_bodies:shape={shape}"))

        answer = client.get("users/nobody")

        assert answer.status_code == 404
        assert code in answer.text

    def test_base_prefix(self) -> None:
        with SandboxSis(make_district(100), faults=[parse_fault("base_prefix:prefix=/aeries")]) as sis:
            client = Client(sis)
            with client.session:
                assert sis.endpoint_url == f"{sis.url}/aeries/ims/oneroster/v1p1"
                assert client.get("orgs").status_code == 200
                href = client.rows("classes", limit=1)[0]["school"]["href"]
                assert href.startswith(f"{sis.endpoint_url}/schools/")
                unprefixed = client.session.get(f"{sis.url}/ims/oneroster/v1p1/orgs", timeout=30)
                assert unprefixed.status_code == 404


class TestWrites:
    @pytest.mark.parametrize("status", [200, 201, 204])
    def test_put_answers(self, client: Client, status: int) -> None:
        client.sis.switch_on(parse_fault(f"put_answers:status={status}"))

        answers = [client.put("lineItems", "lineItem", line_item()) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [status, status]
        assert (answers[0].content == b"") == (status == 204)
        assert client.ids("lineItems") == ["li-1"]

    def test_put_answers_nothing(self, client: Client) -> None:
        client.sis.switch_on(parse_fault("put_answers_nothing"))

        answer = client.put("lineItems", "lineItem", line_item())

        assert (answer.status_code, answer.content) == (201, b"")

    def test_put_closed_period(self, client: Client, pupil: str) -> None:
        assert client.put("lineItems", "lineItem", line_item()).status_code == 201
        client.sis.switch_on(parse_fault("put_closed_period:session=gp-2027-1"))
        other = reference("gradingPeriods", "academicSession", "gp-2027-2")

        refused = client.put("lineItems", "lineItem", line_item(title="Late change"))

        assert (refused.status_code, code_minor(refused)) == (422, "invalid data")
        assert client.get("lineItems/li-1").json()["lineItem"]["title"] == "Unit 3 quiz"
        assert client.put("results", "result", result(pupil)).status_code == 422
        assert client.put("lineItems", "lineItem", line_item("li-2", gradingPeriod=other)).status_code == 201

    def test_put_refused_for_student(self, client: Client, district: District, pupil: str) -> None:
        client.put("lineItems", "lineItem", line_item())
        mate = next(
            e.user_sourced_id
            for e in district.all(Enrollment).values()
            if e.class_sourced_id == CLASS and e.role == "student" and e.user_sourced_id != pupil
        )
        client.sis.switch_on(parse_fault(f"put_refused_for_student:student={pupil}"))

        codes = [client.put("results", "result", result(who, f"re-{who}")).status_code for who in (mate, pupil, pupil)]

        assert codes == [201, 422, 201]

    def test_put_not_stored(self, client: Client) -> None:
        client.sis.switch_on(parse_fault("put_not_stored:resource=lineItems,count=1"))

        assert client.put("lineItems", "lineItem", line_item()).status_code == 201
        assert client.get("lineItems/li-1").status_code == 404
        assert client.put("lineItems", "lineItem", line_item()).status_code == 201
        assert client.get("lineItems/li-1").status_code == 200

    def test_delete_without_effect(self, client: Client) -> None:
        client.put("lineItems", "lineItem", line_item())
        client.sis.switch_on(parse_fault("delete_without_effect"))

        assert client.delete("lineItems/li-1").status_code == 204
        assert client.get("lineItems/li-1").status_code == 200

    def test_write_answer_lost(self, client: Client) -> None:
        client.sis.switch_on(parse_fault("write_answer_lost"))
        client.get("orgs")

        with pytest.raises(requests.exceptions.RequestException):
            client.put("lineItems", "lineItem", line_item())

        assert client.get("lineItems/li-1").status_code == 200
        assert client.put("lineItems", "lineItem", line_item()).status_code == 200

    def test_the_lost_answer_of_a_delete(self, client: Client) -> None:
        client.put("lineItems", "lineItem", line_item())
        client.sis.switch_on(parse_fault("write_answer_lost:method=DELETE"))

        with pytest.raises(requests.exceptions.RequestException):
            client.delete("lineItems/li-1")

        assert client.get("lineItems/li-1").status_code == 404

    def test_categories_by_class_missing(self, shared_client: Client) -> None:
        with switched_on(shared_client, "categories_by_class_missing"):
            assert shared_client.get(f"classes/{CLASS}/categories").status_code == 404
            assert "cat-tests" in shared_client.ids("categories")

    def test_a_write_can_be_refused_before_it_is_stored(self, client: Client) -> None:
        client.sis.switch_on(parse_fault("unavailable:resource=lineItems,method=PUT"))

        assert client.put("lineItems", "lineItem", line_item()).status_code == 503
        assert client.ids("lineItems") == []
        assert client.put("lineItems", "lineItem", line_item()).status_code == 201

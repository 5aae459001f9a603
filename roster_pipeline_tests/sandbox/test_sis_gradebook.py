"""PUT, GET and DELETE of line items and results."""

from typing import Any

import pytest

from roster_pipeline.sandbox.district import District
from roster_pipeline.sandbox.objects import Enrollment, Result
from roster_pipeline.sandbox.sis.faults.setup import CategoryOptional, GradingPeriodInsisted

from .client import Client, code_minor
from .gradebook_bodies import CLASS, line_item, reference, result


def test_a_line_item_is_created_replaced_and_read_back(client: Client) -> None:
    created = client.put("lineItems", "lineItem", line_item())
    replaced = client.put("lineItems", "lineItem", line_item(title="Unit 3 test", description=...))

    assert (created.status_code, replaced.status_code) == (201, 200)
    assert (code_minor(created), code_minor(replaced)) == ("full success", "full success")
    stored = client.get("lineItems/li-1").json()["lineItem"]
    sent = line_item(title="Unit 3 test", description=...)
    assert {key: value for key, value in stored.items() if not isinstance(value, dict)} == {
        key: value for key, value in sent.items() if not isinstance(value, dict)
    }, "a PUT replaces everything"
    for key in ("class", "category", "gradingPeriod"):
        assert stored[key]["sourcedId"] == sent[key]["sourcedId"]
        assert stored[key]["href"].startswith(client.sis.endpoint_url)


def test_a_result_is_created_replaced_and_listed(client: Client, pupil: str) -> None:
    client.put("lineItems", "lineItem", line_item())

    created = client.put("results", "result", result(pupil))
    replaced = client.put("results", "result", result(pupil, score=99, comment=...))

    assert (created.status_code, replaced.status_code) == (201, 200)
    stored = client.get("results/re-1").json()["result"]
    assert (stored["score"], stored["scoreStatus"], stored["scoreDate"]) == (99.0, "fully graded", "2026-10-02")
    assert "comment" not in stored
    assert stored["student"]["sourcedId"] == pupil
    for path in (
        "results",
        f"classes/{CLASS}/results",
        f"classes/{CLASS}/lineItems/li-1/results",
        f"classes/{CLASS}/students/{pupil}/results",
    ):
        assert client.ids(path) == ["re-1"], path
    assert client.ids(f"classes/{CLASS}/lineItems") == ["li-1"]


def test_what_is_deleted_is_gone(client: Client, pupil: str) -> None:
    client.put("lineItems", "lineItem", line_item())
    client.put("results", "result", result(pupil))

    deleted = client.delete("results/re-1")

    assert (deleted.status_code, deleted.content) == (204, b"")
    assert client.get("results/re-1").status_code == 404
    assert client.delete("results/re-1").status_code == 404
    assert client.ids("lineItems") == ["li-1"]


def test_a_deleted_line_item_takes_its_results_along(client: Client, pupil: str) -> None:
    client.put("lineItems", "lineItem", line_item())
    client.put("lineItems", "lineItem", line_item("li-2"))
    client.put("results", "result", result(pupil))
    client.put("results", "result", result(pupil, "re-2", lineItem=reference("lineItems", "lineItem", "li-2")))

    assert client.delete("lineItems/li-1").status_code == 204

    assert client.ids("results") == ["re-2"]


def test_a_deleted_line_item_can_come_back_under_its_id(client: Client) -> None:
    client.put("lineItems", "lineItem", line_item())
    client.delete("lineItems/li-1")

    assert client.put("lineItems", "lineItem", line_item()).status_code == 201


def test_any_text_can_be_an_id(client: Client) -> None:
    awkward = "a/b:c%2F d#é?"

    assert client.put("lineItems", "lineItem", line_item(awkward)).status_code == 201
    assert client.ids("lineItems") == [awkward]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"title": ...}, "title"),
        ({"title": ""}, "title"),
        ({"class": ...}, "class"),
        ({"class": "sec-1"}, "class"),
        ({"class": {"sourcedId": CLASS}}, "class.href"),
        ({"class": reference("classes", "class", "nowhere")}, "class"),
        ({"category": ...}, "category"),
        ({"category": reference("categories", "category", "none")}, "category"),
        ({"gradingPeriod": ...}, "gradingPeriod"),
        ({"gradingPeriod": reference("terms", "term", "none")}, "gradingPeriod"),
        ({"assignDate": "2026-10-01"}, "assignDate"),
        ({"dueDate": "tomorrow"}, "dueDate"),
        ({"resultValueMax": "20"}, "resultValueMax"),
        ({"resultValueMax": -1}, "resultValueMax"),
        ({"status": "inactive"}, "status"),
        ({"dateLastModified": ...}, "dateLastModified"),
    ],
)
def test_a_line_item_that_cannot_be_is_refused(shared_client: Client, changes: dict[str, Any], named: str) -> None:
    answer = shared_client.put("lineItems", "lineItem", line_item(**changes))

    assert (answer.status_code, code_minor(answer)) == (422, "invalid data")
    assert named in answer.json()["statusInfoSet"][0]["imsx_description"]
    assert shared_client.ids("lineItems") == []


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"score": ...}, "score"),
        ({"score": "17"}, "score"),
        ({"scoreStatus": "Fully Graded"}, "scoreStatus"),
        ({"scoreDate": "2026-10-02T00:00:00Z"}, "scoreDate"),
        ({"lineItem": reference("lineItems", "lineItem", "none")}, "lineItem"),
        ({"student": reference("users", "user", "stf-501")}, "student"),
        ({"student": ...}, "student"),
    ],
)
def test_a_result_that_cannot_be_is_refused(client: Client, pupil: str, changes: dict[str, Any], named: str) -> None:
    client.put("lineItems", "lineItem", line_item())

    answer = client.put("results", "result", result(pupil, **changes))

    assert answer.status_code == 422
    assert named in answer.json()["statusInfoSet"][0]["imsx_description"]
    assert client.ids("results") == []


def test_who_is_not_in_the_class_gets_no_result(client: Client, district: District, pupil: str) -> None:
    client.put("lineItems", "lineItem", line_item())
    enrollment = next(
        e for e in district.all(Enrollment).values() if (e.user_sourced_id, e.class_sourced_id) == (pupil, CLASS)
    )
    district.mark_deleted(Enrollment, enrollment.sourced_id)

    assert client.put("results", "result", result(pupil)).status_code == 422


def test_a_score_above_the_maximum_and_an_exempt_one_are_taken(client: Client, pupil: str) -> None:
    client.put("lineItems", "lineItem", line_item())

    assert client.put("results", "result", result(pupil, score=25)).status_code == 201
    assert client.put("results", "result", result(pupil, score=0, scoreStatus="exempt")).status_code == 200
    assert client.sis.district.get(Result, "re-1").score_status == "exempt"


def test_a_body_that_is_no_such_object_is_400(shared_client: Client) -> None:
    url = f"{shared_client.sis.endpoint_url}/lineItems/li-1"
    bodies: list[dict[str, Any]] = [
        {"data": b"{"}, {"data": b'{"lineItem": NaN}'}, {"json": []}, {"json": {"result": line_item()}},
        {"json": {"lineItem": None}}, {"json": {"lineItem": line_item("other")}}, {},
    ]  # fmt: skip
    for body in bodies:
        answer = shared_client.session.put(url, timeout=30, **body)
        assert (answer.status_code, code_minor(answer)) == (400, "invalid data"), body


def test_categories_are_read_only(shared_client: Client) -> None:
    body = {"sourcedId": "cat-new", "status": "active", "title": "New"}

    assert shared_client.put("categories", "category", body).status_code == 403
    assert shared_client.delete("categories/cat-tests").status_code == 403
    assert "cat-new" not in shared_client.ids("categories")
    assert shared_client.get("categories/cat-tests").json()["category"]["title"] == "Tests"


def test_a_term_will_do_for_a_grading_period_unless_the_sis_insists(client: Client) -> None:
    in_term = line_item(gradingPeriod=reference("terms", "academicSession", "term-2027-1"))
    assert client.put("lineItems", "lineItem", in_term).status_code == 201

    client.sis.switch_on(GradingPeriodInsisted())

    assert client.put("lineItems", "lineItem", in_term).status_code == 422
    assert client.put("lineItems", "lineItem", line_item()).status_code == 200


def test_a_sis_like_infinite_campus_takes_line_items_without_category(client: Client) -> None:
    client.sis.switch_on(CategoryOptional())

    assert client.put("lineItems", "lineItem", line_item(category=...)).status_code == 201
    assert "category" not in client.get("lineItems/li-1").json()["lineItem"]


def test_refusals_do_not_repeat_what_was_sent(shared_client: Client) -> None:
    answer = shared_client.put("results", "result", result("stu-000001", comment="Secret remark", score="17.5"))

    assert answer.status_code == 422
    assert "Secret remark" not in answer.text
    assert "17.5" not in answer.text


def test_the_body_of_a_put_is_recorded(client: Client) -> None:
    client.put("lineItems", "lineItem", line_item())

    put = client.sis.requests[-1]
    assert (put.method, put.path, put.status) == ("PUT", "/ims/oneroster/v1p1/lineItems/li-1", 201)
    assert put.json == {"lineItem": line_item()}
    assert put.body_size == len(put.body)

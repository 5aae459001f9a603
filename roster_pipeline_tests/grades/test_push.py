"""Writes that are lost, refused or cut off, and runs that are killed: the ledger never says more than is known."""

import errno
import uuid
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from roster_pipeline.grades import export, journal
from roster_pipeline.grades.push import SisUnreachableError, same
from roster_pipeline.grades.scope import ID_NAMESPACE
from roster_pipeline.oneroster import gradebook_client
from roster_pipeline.sandbox.objects import Result
from roster_pipeline.sandbox.sis.faults.setup import CategoryOptional, GradingPeriodInsisted, Oauth1
from roster_pipeline.sandbox.sis.faults.transport import (
    CollectionForbidden,
    FailureToldAsSuccess,
    TooManyRequests,
    UnauthorizedMidRun,
    Unavailable,
)
from roster_pipeline.sandbox.sis.faults.writes import PutAnswers, PutNotStored, PutRefusedForStudent, WriteAnswerLost
from roster_pipeline_tests.grades.kill import Killed, killed_after
from roster_pipeline_tests.grades.school import School
from roster_pipeline_tests.pipeline import SOURCE


@pytest.fixture
def school(school_with: Callable[..., School]) -> School:
    """A school with one item and two scores."""
    school = school_with()
    graded(school)
    return school


def graded(school: School) -> None:
    school.teachers.item("i1")
    school.teachers.score("i1", "sam", "8")
    school.teachers.score("i1", "sue", "9")


def test_ids_are_the_name_based_uuids_of_the_standard(school: School) -> None:
    school.teachers.item("é|1")
    school.teachers.score("é|1", "sam", "8")
    school.export()
    namespace = uuid.UUID(ID_NAMESPACE)
    ids = {row["item_id"]: row for row in school.pipeline.rows("grades.export_ledger", "kind = 'line_item'", None)}
    for item in ("i1", "é|1"):
        assert ids[item]["sourced_id"] == str(uuid.uuid5(namespace, f"maple|lineItem|{item}"))
    assert school.ledger("i1|sam")["sourced_id"] == str(uuid.uuid5(namespace, "maple|result|i1|sam"))


@pytest.mark.parametrize("status", [200, 201, 204])
def test_every_success_counts(school: School, status: int) -> None:
    school.sis.switch_on(PutAnswers(status))
    assert school.export().counts == {"line_item": {"sent": 1}, "result": {"sent": 2}}
    assert school.export().writes == 0


def test_a_lost_answer_is_followed_by_the_same_write(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    school.sis.switch_on(WriteAnswerLost(resource="results", count=1))
    assert school.export().counts["result"] == {"sent": 2}
    assert len(school.put("results")) == 3
    assert len(school.results("Item i1")) == 2
    monkeypatch.setattr(gradebook_client, "WRITE_ATTEMPTS", 1)
    school.sis.switch_on(WriteAnswerLost(resource="results", count=1))
    school.teachers.change_score("i1", "sam", points="1")
    assert school.export().counts["result"] == {"unknown": 1}
    assert school.ledger("i1|sam")["state"] == "unknown"
    assert school.export().counts["result"] == {"sent": 1}
    assert len(school.sis.district.all(Result)) == 2


@pytest.mark.rule("SK-083", "SK-087", "IC-077", "IC-081")
@pytest.mark.parametrize("policy", ["skyward", "infinite_campus"])
def test_what_may_have_arrived_is_put_right_when_it_was_taken_back(
    school_with: Callable[..., School], monkeypatch: pytest.MonkeyPatch, policy: str
) -> None:
    school = school_with(policy=policy)
    school.sis.switch_on(CategoryOptional())
    graded(school)
    school.export()
    monkeypatch.setattr(gradebook_client, "WRITE_ATTEMPTS", 1)
    for collection in ("lineItems", "results"):
        school.sis.switch_on(WriteAnswerLost(resource=collection, count=1))
    school.teachers.change_item("i1", name="Wrong")
    school.export()
    school.teachers.change_score("i1", "sam", points="1")
    school.export()
    assert (school.ledger("i1")["state"], school.ledger("i1|sam")["state"]) == ("sent", "unknown")
    # What was acknowledged last is wanted again, and the SIS has something else.
    school.teachers.change_score("i1", "sam", points="8")
    assert school.export().counts["result"]["sent"] >= 1
    assert school.results("Wrong")["sam"].score == 8
    school.sis.switch_on(WriteAnswerLost(resource="lineItems", count=1))
    school.teachers.change_item("i1", name="Worse")
    school.export()
    assert school.ledger("i1")["state"] == "unknown"
    school.teachers.change_item("i1", name="Wrong")
    assert school.export().counts["line_item"] == {"sent": 1}
    assert set(school.line_items) == {"Wrong"}


def test_a_sis_that_does_not_answer_ends_the_run_and_what_is_left_stays_due(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gradebook_client, "WRITE_ATTEMPTS", 1)
    for number in range(30):
        school.teachers.item(f"n{number}")
    down = Unavailable(resource="lineItems", method="PUT", count=None)
    school.sis.switch_on(down)
    with pytest.raises(SisUnreachableError):
        school.export()
    assert 20 <= len(school.put("lineItems")) < 30
    assert school.pipeline.row("grades.export_runs", "run_id = 'export-1'")["status"] == "failed"
    school.sis.switch_off(down)
    assert school.export().counts == {"line_item": {"sent": 31}, "result": {"sent": 2}}


def test_a_client_without_rights_stops_after_one_refusal_each(school: School) -> None:
    school.sis.switch_on(CollectionForbidden(resource="lineItems", method="PUT"))
    report = school.export()
    assert report.counts == {"line_item": {"failed": 1}, "result": {"parent_failed": 2}}
    assert "403" in school.ledger("i1")["last_error"]


@pytest.mark.parametrize("verify", ["all", "none"])
def test_read_back_tells_what_was_accepted_and_not_kept(school_with: Callable[..., School], verify: str) -> None:
    school = school_with(verify=verify)
    graded(school)
    lost = PutNotStored(resource="results")
    school.sis.switch_on(lost)
    counts = school.export().counts
    if verify == "none":
        assert counts["result"] == {"sent": 2}
        return
    assert counts["result"] == {"unverified": 2}
    assert "does not have it" in school.ledger("i1|sam")["last_error"]
    school.sis.switch_off(lost)
    assert school.export().counts == {"result": {"sent": 2}}
    assert school.export().writes == 0


def test_a_server_may_insist_on_a_grading_period(school_with: Callable[..., School]) -> None:
    school = school_with(grading_period_mode="child_grading_period_by_date")
    school.sis.switch_on(GradingPeriodInsisted())
    graded(school)
    assert school.export().counts["line_item"] == {"sent": 1}
    assert school.line_items["Item i1"].grading_period_sourced_id == "q2"


@pytest.mark.parametrize("noted", [0, 1, 2])
def test_a_killed_run_goes_on_where_it_stopped(school: School, noted: int) -> None:
    with killed_after(noted), pytest.raises(Killed):
        school.export()
    sent_before = {request.path for request in school.writes}
    report = school.export()
    assert report.writes == 3 - noted, "what was known to be sent is not sent again"
    assert {line["outcome"] for line in school.pipeline.rows("grades.export_lines", "run_id = 'export-1'")} <= {"sent"}
    assert school.pipeline.row("grades.export_runs", "run_id = 'export-1'")["status"] == "interrupted"
    assert len({request.path for request in school.writes} & sent_before) <= 1
    assert {student: result.score for student, result in school.results("Item i1").items()} == {"sam": 8, "sue": 9}
    assert school.export().writes == 0
    assert list(export.exports_folder(school.pipeline.home, "maple").glob("*/*")) == []


def test_a_mark_that_a_killed_run_may_have_sent_is_deleted_with_its_score(school: School) -> None:
    with killed_after(1), pytest.raises(Killed):
        school.export()
    assert len(school.results("Item i1")) == 1, "sent, and not noted"
    (student,) = school.results("Item i1")
    school.teachers.change_score("i1", student, is_deleted="true")
    school.export()
    assert student not in school.results("Item i1")
    assert school.export().writes == 0


def test_a_mark_that_a_killed_run_may_have_sent_is_set_right_when_the_old_one_returns(school: School) -> None:
    school.export()
    school.teachers.change_score("i1", "sam", points="1")
    with killed_after(0), pytest.raises(Killed):
        school.export()
    assert school.results("Item i1")["sam"].score == 1, "sent, and not noted"
    school.teachers.change_score("i1", "sam", points="8")
    assert school.export().counts == {"result": {"sent": 1}}
    assert school.results("Item i1")["sam"].score == 8


def test_a_full_disk_leaves_no_doubtful_mark_behind(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    real = journal.Journal.add

    def add(self: journal.Journal, kind: str, *rest: Any) -> None:
        if kind == "result":
            raise OSError(errno.ENOSPC, "No space left on device")
        real(self, kind, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(journal.Journal, "add", add)
        with pytest.raises(OSError, match="No space left"):
            school.export()
    (student,) = school.results("Item i1")
    school.teachers.change_score("i1", student, is_deleted="true")
    school.export()
    assert student not in school.results("Item i1")


def test_a_mark_stored_unseen_and_refused_later_is_deleted_with_its_score(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gradebook_client, "WRITE_ATTEMPTS", 1)
    lost = WriteAnswerLost(resource="results", method="PUT", count=1)
    school.sis.switch_on(lost)
    assert school.export().counts["result"] == {"sent": 1, "unknown": 1}
    (student,) = (
        row["student_sourced_id"] for row in school.pipeline.rows("grades.export_ledger", "state = 'unknown'", None)
    )
    school.sis.switch_off(lost)
    school.sis.switch_on(PutRefusedForStudent(student))
    assert school.export().counts == {"result": {"failed": 1}}
    school.teachers.change_score("i1", student, is_deleted="true")
    assert school.export().counts == {"result": {"deleted": 1}}
    assert student not in school.results("Item i1")


def test_outcomes_are_folded_in_batches(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "BATCH", 2)
    for number in range(7):
        school.teachers.item(f"n{number}")
    assert school.export().counts == {"line_item": {"sent": 8}, "result": {"sent": 2}}
    assert school.export().writes == 0


def test_plans_and_journals_are_private(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    modes: list[int] = []
    real = journal.fold_segment

    def look(*arguments: Any) -> None:
        modes.extend(path.stat().st_mode & 0o777 for path in arguments[2:4])
        real(*arguments)

    monkeypatch.setattr(journal, "fold_segment", look)
    school.export()
    assert set(modes) == {0o600}


@pytest.mark.parametrize(
    ("sent", "there", "expected"),
    [
        (8.0, 8, True),
        (8.0, "8.00", True),
        (8.0, None, False),
        ({"sourcedId": "a", "href": "x"}, {"sourcedId": "a", "href": "y"}, True),
        ({"sourcedId": "a"}, "a", True),
        ({"sourcedId": "a"}, None, False),
        ("2026-11-20T00:00:00.000Z", "2026-11-20", True),
        ("2026-11-20", "2026-11-21T00:00:00Z", False),
        ("Good", " Good ", True),
    ],
)
def test_values_read_back_are_compared_by_what_they_mean(sent: Any, there: Any, expected: bool) -> None:
    assert same(sent, there) is expected


def test_a_success_that_tells_of_a_failure_is_a_refusal(school: School) -> None:
    school.sis.switch_on(FailureToldAsSuccess(resource="results", method="PUT", count=1))
    assert school.export().counts["result"] == {"failed": 1, "sent": 1}
    assert school.export().counts == {"result": {"sent": 1}}


def test_a_service_that_is_busy_for_a_moment_is_asked_again(school: School) -> None:
    school.sis.switch_on(TooManyRequests(method="PUT", count=2, seconds=0))
    school.sis.switch_on(UnauthorizedMidRun(resource="results", page=None))
    assert school.export().counts == {"line_item": {"sent": 1}, "result": {"sent": 2}}


def test_signed_requests_write_too(school: School) -> None:
    school.sis.switch_on(Oauth1())
    path = school.pipeline.home.sources / f"{SOURCE}.yaml"
    document = yaml.safe_load(path.read_text("utf-8"))
    document["connection"]["auth"] = {
        "kind": "oauth1",
        "client_id": school.sis.client_id,
        "client_secret": "${SIS_SECRET}",
    }
    path.write_text(yaml.safe_dump(document), "utf-8")
    assert school.export().counts == {"line_item": {"sent": 1}, "result": {"sent": 2}}
    school.sis.switch_on(PutRefusedForStudent("sam"))
    school.teachers.change_score("i1", "sam", points="1")
    assert school.export().counts == {"result": {"failed": 1}}

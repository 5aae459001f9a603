"""Gradebooks of a Brightspace tenant over its API and from its data sets, and the grades they send to the SIS."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from roster_pipeline_tests.grades.classroom import Classroom, classroom_of
from roster_pipeline_tests.grades.school import School


@pytest.fixture(params=["api", "data_sets", "newer_data_sets"])
def classroom(
    school_with: Callable[..., School], monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Classroom]:
    with classroom_of(school_with, request.param, monkeypatch) as room:
        yield room


def test_what_teachers_marked_for_the_sis_goes(classroom: Classroom) -> None:
    school, book = classroom.school, classroom.book
    essay = book.add_item(
        "Essay", max_points=10, category_id=classroom.homework, description="Write", session_org_unit_id=classroom.fall
    )
    book.add_item("Not for the SIS", category_id=classroom.homework)
    book.add_item("Talk", "Text", session_org_unit_id=classroom.fall)
    book.add_activity("Assignments", "Essay", essay.id, due_date=datetime(2026, 11, 21, 5, 59, tzinfo=UTC))
    book.set_score(essay.id, classroom.pupil("sam"), 8.5, comment="Good")
    book.exempt(essay.id, classroom.pupil("sue"))
    assert classroom.export().counts == {"line_item": {"sent": 1}, "result": {"sent": 2}}
    item = school.line_items["Essay"]
    assert (item.due_date[:10], item.description, item.category_sourced_id) == ("2026-11-20", "Write", "homework")
    results = school.results("Essay")
    assert (results["sam"].score, results["sam"].comment) == (8.5, "Good")
    assert results["sue"].score_status == "exempt"
    reasons = {row["name"]: row["reason_not_eligible"] for row in school.pipeline.rows("grades.items")}
    assert reasons == {"Essay": None, "Not for the SIS": "no_academic_session", "Talk": "type_not_supported"}
    assert classroom.export().writes == 0


def test_what_is_gone_from_a_gradebook_that_was_read_whole_is_deleted(classroom: Classroom) -> None:
    school, book = classroom.school, classroom.book
    items = [
        book.add_item(name, category_id=classroom.homework, session_org_unit_id=classroom.fall) for name in ("A", "B")
    ]
    for item in items:
        book.set_score(item.id, classroom.pupil("sam"), 8)
    classroom.export()
    ids = {title: item.sourced_id for title, item in school.line_items.items()}
    book.delete_item(items[0].id)
    del book.scores[items[1].id, classroom.pupil("sam")]
    assert classroom.export().counts == {"line_item": {"deleted": 1}, "result": {"deleted": 2}}
    assert set(school.line_items) == {"B"}
    assert classroom.export().writes == 0
    book.restore_item(items[0].id)
    assert classroom.export().counts == {"line_item": {"sent": 1}, "result": {"sent": 1}}
    assert school.line_items["A"].sourced_id == ids["A"]


def test_taking_the_session_off_leaves_the_sis_as_it_is(classroom: Classroom) -> None:
    school, book = classroom.school, classroom.book
    item = book.add_item("A", category_id=classroom.homework, session_org_unit_id=classroom.fall)
    book.set_score(item.id, classroom.pupil("sam"), 8)
    classroom.export()
    book.change_item(item.id, session_org_unit_id=None)
    book.set_score(item.id, classroom.pupil("sam"), 1)
    assert classroom.export().writes == 0
    assert school.results("A")["sam"].score == 8

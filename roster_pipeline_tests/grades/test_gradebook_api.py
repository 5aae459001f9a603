"""Gradebooks of a Brightspace tenant over its API and from its data sets, and the grades they send to the SIS."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from roster_pipeline.grades.export import ExportReport
from roster_pipeline.sandbox.brightspace.data_sets import DataSets, data_sets
from roster_pipeline.sandbox.brightspace.gradebook import Gradebook
from roster_pipeline.sandbox.brightspace_server import SandboxBrightspace
from roster_pipeline.sandbox.brightspace_tenant import Tenant
from roster_pipeline.sandbox.ipsis import Ipsis
from roster_pipeline_tests.grades.school import School
from roster_pipeline_tests.pipeline import SOURCE


class Classroom:
    """What a teacher does in the gradebook of class `lit`."""

    def __init__(self, school: School, brightspace: SandboxBrightspace) -> None:
        self.school = school
        self._brightspace = brightspace
        self._tenant = tenant = brightspace.tenant
        codes = {
            row["sourced_id"]: row["fields"]["delivery_code"]
            for row in school.pipeline.rows("sync.mappings", "kind IN ('course_offering', 'term')", None)
        }
        self._units = {unit.code: unit.id for unit in tenant.tree.visible()}
        self.fall = self._units[codes["fall"]]
        self.book: Gradebook = tenant.gradebook(self._units[codes["lit"]])
        self.homework = self.book.add_category("Homework", export_to_sis=True).id

    def export(self) -> ExportReport:
        """One export of what the gradebook holds now; data sets come out of it overnight."""
        self._brightspace.data_sets.publish()
        return self.school.export()

    def pupil(self, name: str) -> int:
        """The user id of a pupil."""
        return next(user.id for user in self._tenant.directory.users.values() if user.org_defined_id == f"id-{name}")


@pytest.fixture(params=["api", "data_sets", "newer_data_sets"])
def classroom(
    school_with: Callable[..., School], monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Classroom]:
    """A tenant that has taken the roster in, and the school that reads its gradebooks."""
    tenant = Tenant()
    newer = DataSets(tenant, data_sets(with_exemptions=False))
    data_sets_ = newer if request.param == "newer_data_sets" else None
    with SandboxBrightspace(tenant, page_size=2, data_sets=data_sets_) as brightspace:
        monkeypatch.setenv("BRIGHTSPACE_SECRET", brightspace.client_secret)
        monkeypatch.setenv("BRIGHTSPACE_TOKEN", brightspace.refresh_token)
        auth = {
            "kind": "refresh_token",
            "token_url": brightspace.token_url,
            "client_id": brightspace.client_id,
            "client_secret": "${BRIGHTSPACE_SECRET}",
            "refresh_token": "${BRIGHTSPACE_TOKEN}",
        }
        settings: dict[str, Any] = {"url": brightspace.url, "auth": auth}
        school = school_with(gradebook={"kind": request.param.removeprefix("newer_")}, brightspace=settings)
        for batch in Ipsis(tenant).process_folder(school.pipeline.home.outbox(SOURCE)):
            assert batch.errors == []
        yield Classroom(school, brightspace)


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

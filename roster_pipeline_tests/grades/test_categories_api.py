"""Categories of the SIS in a gradebook of Brightspace: each once, whatever happens on the way."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from starlette.requests import Request
from starlette.responses import Response

from roster_pipeline.brightspace import connection
from roster_pipeline.brightspace.errors import BrightspaceError
from roster_pipeline.grades.categories import sync_categories
from roster_pipeline.grades.gradebook import GradebookError
from roster_pipeline.grades.sis_categories import Synced
from roster_pipeline.sandbox.brightspace.faults import CutConnection, Fault, ServerErrors
from roster_pipeline.sandbox.objects import Category
from roster_pipeline_tests.grades.classroom import Classroom, classroom_of
from roster_pipeline_tests.grades.school import School
from roster_pipeline_tests.pipeline import SOURCE, YEAR

MAKE = r"POST .*/grades/categories/$"
MARK = r"PUT .*/grades/categories/\d+/ipsis$"


@pytest.fixture
def classroom(school_with: Callable[..., School], monkeypatch: pytest.MonkeyPatch) -> Iterator[Classroom]:
    """An empty gradebook."""
    with classroom_of(school_with, "api", monkeypatch) as room:
        room.book.categories.clear()
        yield room


def synced(classroom: Classroom) -> Synced:
    """Take the categories of class `lit` over."""
    pipeline = classroom.school.pipeline
    (result,) = sync_categories(pipeline.warehouse, pipeline.home, SOURCE, YEAR, pipeline.settings, ["lit"])
    return result


def there(classroom: Classroom) -> list[tuple[str, bool]]:
    """Name, and whether it is marked for the SIS."""
    categories = classroom.book.categories.values()
    return sorted((category.name, category.export_to_sis) for category in categories if not category.deleted)


@pytest.mark.rule("SK-116", "SK-120")
def test_every_category_comes_once_and_its_items_go(classroom: Classroom) -> None:
    assert synced(classroom) == Synced("lit", ["Homework", "Tests"], [], 0, [])
    assert there(classroom) == [("Homework", True), ("Tests", True)]
    assert synced(classroom) == Synced("lit", [], [], 2, [])
    assert there(classroom) == [("Homework", True), ("Tests", True)]
    tests = next(category for category in classroom.book.categories.values() if category.name == "Tests")
    classroom.book.add_item("Exam", category_id=tests.id, session_org_unit_id=classroom.fall)
    assert classroom.export().counts == {"line_item": {"sent": 1}}
    assert classroom.school.line_items["Exam"].category_sourced_id == "tests"


@pytest.mark.rule("SK-117")
def test_a_teachers_category_of_the_same_name_stays_beside_it(classroom: Classroom) -> None:
    classroom.book.add_category("homework")
    assert synced(classroom) == Synced("lit", ["Homework", "Tests"], [], 0, ["Homework"])
    assert there(classroom) == [("Homework", True), ("Tests", True), ("homework", False)]
    assert synced(classroom).added == []


def test_a_category_that_goes_to_the_sis_already_is_the_one(classroom: Classroom) -> None:
    own = classroom.book.add_category("Homework ", export_to_sis=True)
    assert (synced(classroom).added, there(classroom)) == (["Tests"], [("Homework ", True), ("Tests", True)])
    links = classroom.school.pipeline.rows("grades.category_links", "sis_category_id = 'homework'", None)
    assert [link["brightspace_id"] for link in links] == [own.id]


def test_a_category_renamed_in_the_sis_keeps_its_place_and_is_told_of(classroom: Classroom) -> None:
    synced(classroom)
    classroom.school.sis.district.change(Category, "homework", title="Home learning")
    assert synced(classroom) == Synced("lit", [], [], 2, [], ["Home learning"])
    assert there(classroom) == [("Homework", True), ("Tests", True)]
    homework = next(category for category in classroom.book.categories.values() if category.name == "Homework")
    classroom.book.add_item("Essay", category_id=homework.id, session_org_unit_id=classroom.fall)
    classroom.export()
    assert classroom.school.line_items["Essay"].category_sourced_id == "homework"


def test_one_that_a_teacher_deleted_comes_again(classroom: Classroom) -> None:
    synced(classroom)
    first = next(category for category in classroom.book.categories.values() if category.name == "Tests")
    classroom.book.delete_category(first.id)
    assert synced(classroom).added == ["Tests"]


def test_a_lost_answer_makes_no_second_one(classroom: Classroom) -> None:
    classroom.brightspace.service.faults.append(CutConnection(MAKE, times=1))
    assert synced(classroom).added == ["Homework", "Tests"]
    assert there(classroom) == [("Homework", True), ("Tests", True)]


def test_a_tenant_that_fails_is_told_of_and_the_next_time_goes_on(
    classroom: Classroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_FIRST_WAIT", 0)
    trouble = ServerErrors(MARK)
    classroom.brightspace.service.faults.append(trouble)
    with pytest.raises(BrightspaceError, match="503"):
        synced(classroom)
    classroom.brightspace.service.faults.remove(trouble)
    assert synced(classroom).present == 0
    assert there(classroom) == [("Homework", True), ("Tests", True)]


def test_a_class_that_is_not_in_brightspace_yet_is_told_of(classroom: Classroom) -> None:
    for unit in classroom.brightspace.tenant.tree.visible():
        if unit.id == classroom.book.offering_id:
            classroom.brightspace.tenant.tree.recycle(unit.id)
    with pytest.raises(GradebookError, match="lit: Brightspace has no course offering"):
        synced(classroom)


@dataclass
class KillClient(Fault):
    """Kills the process that asks: when the request has come, or when it has been carried out."""

    pid: int = 0
    carried_out: bool = True

    def before(self, request: Request) -> Response | None:
        if not self.carried_out and self.meets(request):
            os.kill(self.pid, signal.SIGKILL)
            return Response(status_code=503)
        return None

    def after(self, request: Request, response: Response) -> Response:
        if self.carried_out and self.meets(request):
            os.kill(self.pid, signal.SIGKILL)
        return response


@pytest.mark.parametrize(("pattern", "carried_out"), [(MAKE, False), (MAKE, True), (MARK, False), (MARK, True)])
def test_killed_at_any_write_it_makes_none_twice(classroom: Classroom, pattern: str, carried_out: bool) -> None:
    home = classroom.school.pipeline.home.root
    fault = KillClient(pattern, times=1, carried_out=carried_out)
    command = [sys.executable, "-m", "roster_pipeline_tests.grades.category_process", str(home), "lit"]
    with subprocess.Popen(command) as process:
        fault.pid = process.pid
        classroom.brightspace.service.faults.append(fault)
    assert process.returncode == -signal.SIGKILL
    synced(classroom)
    assert there(classroom) == [("Homework", True), ("Tests", True)]
    assert synced(classroom) == Synced("lit", [], [], 2, [])

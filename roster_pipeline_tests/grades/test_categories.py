"""Categories of the SIS in a class's gradebook."""

import csv
from pathlib import Path
from typing import Any

import pytest

from roster_pipeline.grades.categories import sync_categories
from roster_pipeline.grades.scope import ExportRefusedError
from roster_pipeline.grades.sis_categories import Synced
from roster_pipeline.sandbox.objects import Category, Class
from roster_pipeline.sandbox.sis.faults.writes import CategoriesByClassMissing
from roster_pipeline_tests.grades.school import MODIFIED, School
from roster_pipeline_tests.pipeline import SOURCE, YEAR


def synced(school: School, *classes: str) -> list[Synced]:
    """Write the gradebook's files and take categories over."""
    pipeline = school.pipeline
    return sync_categories(pipeline.warehouse, pipeline.home, SOURCE, YEAR, pipeline.settings, classes)


def kept(school: School, class_: str = "lit") -> list[dict[str, Any]]:
    """The categories of a class in the gradebook's files."""
    with (folder(school) / "categories.csv").open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["class_sourced_id"] == class_]


def folder(school: School) -> Path:
    return school.pipeline.home.root / "gradebook"


@pytest.mark.rule("SK-055", "SK-056", "SK-116")
def test_every_category_of_the_class_comes_once_with_its_name(school: School) -> None:
    school.teachers.categories.clear()
    school.teachers.write(folder(school))
    assert synced(school, "lit") == [Synced("lit", ["Homework", "Tests"], [], 0, [])]
    assert [(row["name"], row["sis_enabled"], row["sis_category_id"]) for row in kept(school)] == [
        ("Homework", "true", "homework"),
        ("Tests", "true", "tests"),
    ]
    before = (folder(school) / "categories.csv").read_bytes()
    assert synced(school, "lit") == [Synced("lit", [], [], 2, [])]
    assert (folder(school) / "categories.csv").read_bytes() == before
    assert {request.method for request in school.sis.requests if "categories" in request.path} == {"GET"}


@pytest.mark.rule("SK-116")
def test_a_sis_that_lists_no_categories_by_class_is_asked_for_all(school: School) -> None:
    school.sis.switch_on(CategoriesByClassMissing())
    school.sis.district.put(Category(sourced_id="labs", title="Labs", date_last_modified=MODIFIED))
    school.teachers.write(folder(school))
    (result,) = synced(school, "lit")
    assert (result.added, result.present) == (["Tests", "Labs"], 1)


@pytest.mark.rule("SK-117")
def test_a_teachers_category_of_the_same_name_stays_beside_it(school: School) -> None:
    school.teachers.category("mine", "lit", name="tests", sis_category_id=None)
    school.teachers.write(folder(school))
    (result,) = synced(school, "lit")
    assert (result.added, result.repeated_names) == (["Tests"], ["Tests"])
    assert sorted(row["sis_category_id"] for row in kept(school) if row["name"].lower() == "tests") == ["", "tests"]


@pytest.mark.rule("SK-056")
def test_a_category_renamed_in_the_sis_is_renamed(school: School) -> None:
    school.teachers.write(folder(school))
    school.sis.district.change(Category, "homework", title="Home learning")
    school.sis.district.change(Class, "lit", category_sourced_ids=("homework",))
    assert synced(school, "lit") == [Synced("lit", [], ["Home learning"], 1, [])]
    assert [row["name"] for row in kept(school) if row["category_id"] == "hw"] == ["Home learning"]
    assert [row["name"] for row in kept(school, "math") if row["category_id"] == "hw"] == ["Homework"]


@pytest.mark.rule("SK-118")
def test_a_course_made_by_hand_gets_none(school: School) -> None:
    school.teachers.write(folder(school))
    with pytest.raises(ExportRefusedError) as refusal:
        synced(school, "lit", "by-hand")
    assert refusal.value.code == "class_not_managed"
    assert not [request for request in school.sis.requests if "categories" in request.path]

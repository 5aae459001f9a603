"""The sandbox's teachers grade: the three files of a gradebook for a district, and what they change the next day.

The same district on the same day always gets the same files. Column names are those of `grades.gradebook.COLUMNS`.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from pathlib import Path
from random import Random

from roster_pipeline.grades.gradebook import COLUMNS
from roster_pipeline.home import private_folder
from roster_pipeline.sandbox.district import District
from roster_pipeline.sandbox.objects import AcademicSession, Category, Class, Enrollment

Row = Mapping[str, object]

#: Name, type and points of a class's items, in the order in which they are set.
_ITEMS = (
    ("Unit {number} homework", "Numeric", 10),
    ("Unit {number} quiz", "Numeric", 20),
    ("Reading log {number}", "Selectbox", 5),
    ("Safety contract {number}", "Pass/Fail", 1),
    ("Unit {number} test", "Formula", 100),
)
_COMMENTS = ("Well done", "See me, please", "Show your work", "Much better")


@dataclass(frozen=True)
class GradebookFiles:
    """How many rows of each file were written."""

    categories: int
    items: int
    scores: int


def write_gradebook(
    district: District, folder: Path, *, classes: int | None = None, items_per_class: int = 5, edited: bool = False
) -> GradebookFiles:
    """Write the gradebooks of the classes of the district's current term into `folder`.

    `classes` limits their number. With `edited` it is the next day: one score in twenty is another, one item in
    twelve has a new name, one in fifteen is deleted, and every class has one new item.
    """
    private_folder(folder)
    teachers = _Teachers(district, items_per_class, edited=edited)
    taught = list(islice(teachers.classes(), classes))
    return GradebookFiles(
        _write(folder, "categories", (row for class_ in taught for row in teachers.categories(class_))),
        _write(folder, "grade_items", (row for class_ in taught for row in teachers.items(class_))),
        _write(folder, "scores", (row for class_ in taught for row in teachers.scores(class_))),
    )


def first_graded_class(district: District) -> Class:
    """The class whose gradebook stands first in the files."""
    return next(_Teachers(district, 0, edited=False).classes())


class _Teachers:
    def __init__(self, district: District, items_per_class: int, *, edited: bool) -> None:
        self._district = district
        self._edited = edited
        self._number = items_per_class
        self._session = _current_session(district)
        self._students: dict[str, list[str]] = {}
        self._teachers: dict[str, str] = {}
        for enrollment in district.all(Enrollment).values():
            if enrollment.status != "active":
                continue
            if enrollment.role == "student":
                self._students.setdefault(enrollment.class_sourced_id, []).append(enrollment.user_sourced_id)
            elif enrollment.role == "teacher":
                self._teachers.setdefault(enrollment.class_sourced_id, enrollment.user_sourced_id)

    def classes(self) -> Iterator[Class]:
        """Classes that are taught in the current term and have pupils and categories."""
        for class_ in self._district.all(Class).values():
            is_now = self._session.parent_sourced_id in class_.term_sourced_ids and class_.status == "active"
            if is_now and class_.sourced_id in self._students and class_.category_sourced_ids:
                yield class_

    def categories(self, class_: Class) -> Iterator[Row]:
        for sourced_id in class_.category_sourced_ids:
            yield {
                "category_id": f"sis-{sourced_id}",
                "class_sourced_id": class_.sourced_id,
                "name": self._district.get(Category, sourced_id).title,
                "sis_enabled": "true",
                "sis_category_id": sourced_id,
            }
        # Diagnostic work that its teacher keeps out of the SIS.
        yield {
            "category_id": "practice",
            "class_sourced_id": class_.sourced_id,
            "name": "Practice",
            "sis_enabled": "false",
            "sis_category_id": "",
        }

    def items(self, class_: Class) -> Iterator[Row]:
        for number in range(self._items_of(class_)):
            chance = Random(f"{self._district.seed}/{class_.sourced_id}/{number}")
            name, type_, points = _ITEMS[number % len(_ITEMS)]
            name = name.format(number=number // len(_ITEMS) + 1)
            due = self._due(number)
            changed_on = due
            category = class_.category_sourced_ids[number % len(class_.category_sourced_ids)]
            is_practice = chance.random() < 0.08
            renamed, deleted = self._edited and chance.random() < 1 / 12, self._edited and chance.random() < 1 / 15
            if renamed or deleted:
                changed_on = self._district.today
            yield {
                "item_id": f"{class_.sourced_id}-{number + 1}",
                "class_sourced_id": class_.sourced_id,
                "name": f"{name} (revised)" if renamed else name,
                "description": "",
                "type": type_,
                "max_points": points,
                "category_id": "practice" if is_practice else f"sis-{category}",
                "academic_session_id": self._session.parent_sourced_id,
                "activity_due_date": due.isoformat() if chance.random() < 0.8 else "",
                "activity_end_date": "",
                "include_in_final": "true",
                "grading_mode": "points",
                "assessment_type": "homework",
                "assigned_by": self._teachers.get(class_.sourced_id, ""),
                "assigned_date": (due - timedelta(days=7)).isoformat(),
                "is_deleted": "true" if deleted else "false",
                "last_modified": f"{changed_on}T15:00:00Z",
            }

    def scores(self, class_: Class) -> Iterator[Row]:
        for number in range(self._items_of(class_)):
            points = _ITEMS[number % len(_ITEMS)][2]
            chance = Random(f"{self._district.seed}/{class_.sourced_id}/{number}/scores")
            for student in self._students[class_.sourced_id]:
                draw = chance.random()
                reached = round(points * (0.55 + 0.5 * chance.random()) * 2) / 2
                changed_on = self._due(number) + timedelta(days=1)
                comment = chance.choice(_COMMENTS) if chance.random() < 0.1 else ""
                if self._edited and chance.random() < 1 / 20:
                    reached, changed_on = float(points), self._district.today
                yield {
                    "item_id": f"{class_.sourced_id}-{number + 1}",
                    "student_sourced_id": student,
                    # A few have not handed in yet.
                    "points": "" if draw < 0.03 else reached,
                    "comment": comment,
                    "is_exempt": "true" if draw > 0.99 else "false",
                    "is_submitted": "false" if draw < 0.03 else "true",
                    "is_deleted": "false",
                    "last_modified": f"{changed_on}T15:00:00Z",
                }

    def _items_of(self, _: Class) -> int:
        return self._number + self._edited

    def _due(self, number: int) -> date:
        return date.fromisoformat(self._session.start_date) + timedelta(days=7 * (number % 8) + 4)


def _current_session(district: District) -> AcademicSession:
    """The grading period of the district's day, or the first one to come."""
    periods = sorted(
        (session for session in district.all(AcademicSession).values() if session.type == "gradingPeriod"),
        key=lambda session: session.end_date,
    )
    return next((period for period in periods if period.end_date >= district.today.isoformat()), periods[-1])


def _write(folder: Path, file: str, rows: Iterable[Row]) -> int:
    number = 0
    with (folder / f"{file}.csv").open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, COLUMNS[file])
        writer.writeheader()
        for row in rows:
            writer.writerow(row)
            number += 1
    return number

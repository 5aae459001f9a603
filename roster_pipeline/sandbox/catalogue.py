"""The courses that schools of each level offer."""

import csv
import functools
from dataclasses import dataclass
from importlib import resources
from typing import Literal

Level = Literal["elementary", "middle", "high"]

GRADES: dict[Level, tuple[str, ...]] = {
    "elementary": ("KG", "01", "02", "03", "04", "05"),
    "middle": ("06", "07", "08"),
    "high": ("09", "10", "11", "12"),
}

#: Categories of the SIS's gradebook, by sourcedId.
CATEGORIES = {
    "cat-homework": "Homework",
    "cat-classwork": "Classwork",
    "cat-quizzes": "Quizzes",
    "cat-tests": "Tests",
    "cat-projects": "Projects",
    "cat-labs": "Labs",
    "cat-participation": "Participation",
}
_CATEGORIES_OF_SUBJECT = {
    "Homeroom": ("cat-participation",),
    "Science": ("cat-homework", "cat-quizzes", "cat-tests", "cat-labs"),
    "Arts": ("cat-projects", "cat-participation"),
    "Physical Education": ("cat-participation", "cat-tests"),
    "Computer Science": ("cat-classwork", "cat-projects", "cat-tests"),
}
_USUAL_CATEGORIES = ("cat-homework", "cat-classwork", "cat-quizzes", "cat-tests", "cat-projects")


@dataclass(frozen=True)
class CatalogueCourse:
    """A course as every school of its level offers it."""

    level: Level
    grades: tuple[str, ...]
    code: str
    """The course key: `CPLI1`."""
    title: str
    subject: str
    subject_code: str
    """Subject area of the School Courses for the Exchange of Data (SCED)."""
    kind: Literal["homeroom", "core", "elective"]
    """`homeroom` and `core` are taken by everybody of the grade."""
    length: Literal["year", "semester"]

    @property
    def categories(self) -> tuple[str, ...]:
        """sourcedIds of the gradebook categories its classes use."""
        return _CATEGORIES_OF_SUBJECT.get(self.subject, _USUAL_CATEGORIES)


@functools.cache
def catalogue(level: Level) -> tuple[CatalogueCourse, ...]:
    """The courses of `data/courses.csv` for one level."""
    lines = resources.files(__package__).joinpath("data/courses.csv").read_text("utf-8").splitlines()
    return tuple(
        CatalogueCourse(**{**row, "grades": tuple(row["grades"].split())})  # type: ignore[arg-type]
        for row in csv.DictReader(lines)
        if row["level"] == level
    )

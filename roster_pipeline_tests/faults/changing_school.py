"""A made-up roster to which something happens every day, and which sometimes goes back to what it was."""

import copy
from collections.abc import Callable
from random import Random
from typing import Any

from roster_pipeline_tests.roster_files import RosterFiles

SCHOOLS = ("elm", "oak", "ash")
TERMS = ("fall", "spring")
COURSES = 5
CLASSES = 12
STAFF = 8
PUPILS = 36
GUARDIANS = 10
#: Classes of one pupil.
LESSONS = 4
#: What happens in one day.
EVENTS = (3, 9)


class ChangingSchool:
    """The roster of a small district; the same chance brings the same days."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._number = 0
        self.files = RosterFiles()
        self._past: list[dict[str, dict[str, dict[str, Any]]]] = []
        self._found()

    def day(self) -> None:
        """Let some things happen. Now and then the roster of an earlier day is back, as after a correction."""
        self._past.append(copy.deepcopy(self.files.rows))
        if len(self._past) > 1 and self._chance.random() < 0.2:
            self._go_back_to(self._chance.choice(self._past[-3:]))
            return
        for _ in range(self._chance.randint(*EVENTS)):
            self._chance.choice(self._events)()

    def _go_back_to(self, rows: dict[str, dict[str, dict[str, Any]]]) -> None:
        deleted = [id_ for id_, row in self.files.rows["classes"].items() if row.get("status") == "tobedeleted"]
        self.files.rows = copy.deepcopy(rows)
        # A class that was deleted is no longer managed: when it comes back it is another one.
        for id_ in deleted:
            if id_ in self.files.rows["classes"]:
                self._delete("classes", id_)

    @property
    def _events(self) -> list[Callable[[], None]]:
        return [
            self._pupil_comes,
            self._pupil_moves,
            self._pupil_leaves,
            self._person_is_renamed,
            self._person_gets_another_login,
            self._account_is_switched,
            self._staff_changes_role,
            self._guardians_change,
            self._enrollment_begins,
            self._enrollment_begins,
            self._enrollment_is_removed,
            self._enrollment_is_removed,
            self._enrollment_is_deleted,
            self._enrollment_changes_role,
            self._class_opens,
            self._class_is_renamed,
            self._class_gets_another_code,
            self._class_is_deleted,
            self._class_changes_term,
            self._course_is_renamed,
            self._school_is_renamed,
        ]

    def _found(self) -> None:
        files = self.files
        files.org("district", "district", "Maple USD", identifier="0500")
        for number, school in enumerate(SCHOOLS, 501):
            files.org(school, "school", f"{school.title()} School", identifier=f"0{number}", parentSourcedId="district")
        files.session("year", "schoolYear", "2026-08-01", "2027-06-30", title="2026-2027")
        files.session("fall", "term", "2026-08-15", "2026-12-20", title="Fall", parentSourcedId="year")
        files.session("spring", "term", "2027-01-05", "2027-06-05", title="Spring", parentSourcedId="year")
        for number in range(COURSES):
            files.course(f"course-{number}", f"Subject {number}", f"SUB{number}")
        for _ in range(STAFF):
            files.user(f"staff-{self._next()}", "teacher", [self._chance.choice(SCHOOLS)])
        for _ in range(GUARDIANS):
            files.user(f"guardian-{self._next()}", "guardian", [self._chance.choice(SCHOOLS)])
        for _ in range(CLASSES):
            self._class_opens()
        for _ in range(PUPILS):
            self._pupil_comes()

    # What happens

    def _pupil_comes(self) -> None:
        pupil = self.files.user(
            f"pupil-{self._next()}",
            "student",
            [self._chance.choice(SCHOOLS)],
            agentSourcedIds=self._chance.sample(self._people("guardian"), self._chance.randint(0, 2)),
        )
        for class_ in self._chance.sample(self._classes(), min(LESSONS, len(self._classes()))):
            self.files.enroll(pupil, class_)

    def _pupil_moves(self) -> None:
        if pupil := self._one(self._people("student")):
            for enrollment in self._enrollments(pupil):
                self.files.remove("enrollments", enrollment)
            self.files.change("users", pupil, orgSourcedIds=[self._chance.choice(SCHOOLS)])
            for class_ in self._chance.sample(self._classes(), min(LESSONS, len(self._classes()))):
                self.files.enroll(pupil, class_)

    def _pupil_leaves(self) -> None:
        if pupil := self._one(self._people("student")):
            for enrollment in self._enrollments(pupil):
                self.files.remove("enrollments", enrollment)
            self._delete("users", pupil)

    def _person_is_renamed(self) -> None:
        if person := self._one(self._people()):
            self.files.change(
                "users", person, familyName=f"Family {self._next()}", email=f"m{self._next()}@example.org"
            )

    def _person_gets_another_login(self) -> None:
        if person := self._one(self._people()):
            self.files.change("users", person, username=f"login{self._next()}")

    def _account_is_switched(self) -> None:
        if person := self._one(self._people()):
            is_on = self.files.rows["users"][person]["enabledUser"] == "true"
            self.files.change("users", person, enabledUser="false" if is_on else "true")

    def _staff_changes_role(self) -> None:
        if person := self._one([*self._people("teacher"), *self._people("aide")]):
            is_teacher = self.files.rows["users"][person]["role"] == "teacher"
            self.files.change("users", person, role="aide" if is_teacher else "teacher")

    def _guardians_change(self) -> None:
        if pupil := self._one(self._people("student")):
            guardians = self._people("guardian")
            self.files.change("users", pupil, agentSourcedIds=self._chance.sample(guardians, min(2, len(guardians))))

    def _enrollment_begins(self) -> None:
        person, class_ = self._one(self._people("student")), self._one(self._classes())
        if person and class_:
            self.files.enroll(person, class_)

    def _enrollment_is_removed(self) -> None:
        if enrollment := self._one(list(self.files.rows["enrollments"])):
            self.files.remove("enrollments", enrollment)

    def _enrollment_is_deleted(self) -> None:
        if enrollment := self._one(list(self.files.rows["enrollments"])):
            self._delete("enrollments", enrollment)

    def _enrollment_changes_role(self) -> None:
        person, class_ = self._one(self._people("teacher")), self._one(self._classes())
        if person and class_:
            self.files.enroll(person, class_, self._chance.choice(["teacher", "aide"]))

    def _class_opens(self) -> None:
        number = self._next()
        course = f"course-{self._chance.randrange(COURSES)}"
        code = f"{self.files.rows['courses'][course]['courseCode']}/{number:05d}"
        class_ = self.files.class_(
            f"class-{number}", course, self._chance.choice(SCHOOLS), [self._chance.choice(TERMS)], code
        )
        if teacher := self._one(self._people("teacher")):
            self.files.enroll(teacher, class_, "teacher", primary="true")

    def _class_is_renamed(self) -> None:
        if class_ := self._one(self._classes()):
            self.files.change("classes", class_, title=f"Class {self._next()}")

    def _class_gets_another_code(self) -> None:
        if class_ := self._one(self._classes()):
            course, _, _ = self.files.rows["classes"][class_]["classCode"].partition("/")
            self.files.change("classes", class_, classCode=f"{course}/{self._next():05d}")

    def _class_is_deleted(self) -> None:
        if class_ := self._one(self._classes()):
            self._delete("classes", class_)

    def _class_changes_term(self) -> None:
        if class_ := self._one(self._classes()):
            self.files.change("classes", class_, termSourcedIds=[self._chance.choice(TERMS)])

    def _course_is_renamed(self) -> None:
        course = self._chance.choice(list(self.files.rows["courses"]))
        self.files.change("courses", course, title=f"Subject {self._next()}")

    def _school_is_renamed(self) -> None:
        self.files.change("orgs", self._chance.choice(SCHOOLS), name=f"School {self._next()}")

    # What there is

    def _people(self, role: str | None = None) -> list[str]:
        return [
            id_
            for id_, row in self.files.rows["users"].items()
            if row.get("status") != "tobedeleted" and role in (None, row["role"])
        ]

    def _classes(self) -> list[str]:
        return [id_ for id_, row in self.files.rows["classes"].items() if row.get("status") != "tobedeleted"]

    def _enrollments(self, person: str) -> list[str]:
        return [id_ for id_, row in self.files.rows["enrollments"].items() if row["userSourcedId"] == person]

    def _delete(self, resource: str, sourced_id: str) -> None:
        self.files.change(resource, sourced_id, status="tobedeleted", dateLastModified="2026-11-20T00:00:00Z")

    def _one(self, candidates: list[str]) -> str | None:
        return self._chance.choice(candidates) if candidates else None

    def _next(self) -> int:
        """A number that was never given before: also after going back, nothing gets a code that something had."""
        self._number += 1
        return self._number

"""A school's timetable: who takes which class with which teacher in which period."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from roster_pipeline.sandbox.catalogue import CatalogueCourse, Level, catalogue
from roster_pipeline.sandbox.objects import AcademicSession, Class, Course, Enrollment, OneRosterObject, User
from roster_pipeline.sandbox.school_calendar import SchoolYear, day_after

PERIODS = 7
CLASS_SIZE = 25
#: Classes one teacher teaches in a year.
_TEACHING_LOAD = 5
_CO_TEACHER_CHANCE = 0.06
#: What the homeroom teacher of an elementary school leaves to others.
_SPECIALIST_SUBJECTS = {"Arts", "Computer Science"}


class Staff:
    """The teachers of a school, hired as they are needed."""

    def __init__(self, hire: Callable[[], User]) -> None:
        self._hire = hire
        self.hired: list[User] = []
        self._by_subject: dict[str, list[User]] = defaultdict(list)

    def teacher(self, subject: str, slots: set[tuple[str, int]], busy: dict[str, list[set[tuple[str, int]]]]) -> User:
        """Somebody who teaches `subject` and is free at `slots` (term, period), which are then taken in `busy`."""
        for teacher in self._by_subject[subject]:
            taught = busy[teacher.sourced_id]
            if len(taught) < _TEACHING_LOAD and not any(slots & taken for taken in taught):
                break
        else:
            teacher = self._hire()
            self._by_subject[subject].append(teacher)
            self.hired.append(teacher)
        busy[teacher.sourced_id].append(slots)
        return teacher

    def homeroom_teacher(self, position: int) -> User:
        """The homeroom teacher at `position`: the same one every year."""
        homeroom = self._by_subject["Homeroom"]
        while len(homeroom) <= position:
            homeroom.append(self._hire())
            self.hired.append(homeroom[-1])
        return homeroom[position]

    def another(self, chance: Random, teacher: User) -> User | None:
        """A colleague, where there is one."""
        colleague = chance.choice(self.hired)
        return colleague if colleague is not teacher else None


@dataclass(frozen=True)
class _Section:
    """One class to be: a course, its terms, its period, and who sits in it."""

    course: CatalogueCourse
    grades: tuple[str, ...]
    terms: tuple[AcademicSession, ...]
    period: int
    students: list[str]
    homeroom: int | None = None
    """Position of the homeroom whose teacher gives the class."""


def timetable(
    level: Level,
    school_number: str,
    calendar: SchoolYear,
    cohorts: dict[str, list[str]],
    staff: Staff,
    chance: Random,
    *,
    with_courses: bool,
) -> Iterator[OneRosterObject]:
    """Courses (where asked for), classes and enrollments of one school in one year.

    `cohorts` holds the sourcedIds of the students by grade. Nobody, student or teacher, sits in two classes at once.
    """
    modified = calendar.year.date_last_modified
    school = f"org-{school_number}"
    if with_courses:
        for course in catalogue(level):
            yield Course(
                sourced_id=_course_id(school_number, course),
                date_last_modified=modified,
                title=course.title,
                course_code=course.code,
                grades=course.grades,
                org_sourced_id=school,
                subjects=(course.subject,),
                subject_codes=(course.subject_code,),
            )
    busy: dict[str, list[set[tuple[str, int]]]] = defaultdict(list)
    numbers: dict[str, int] = defaultdict(int)
    enrollments = 0
    for position, section in enumerate(_sections(level, calendar, cohorts, chance), 1):
        course = section.course
        numbers[course.code] += 1
        class_id = f"sec-{calendar.ends}-{school_number}-{position:04d}"
        yield Class(
            sourced_id=class_id,
            date_last_modified=modified,
            title=course.title,
            grades=section.grades,
            course_sourced_id=_course_id(school_number, course),
            class_code=f"{course.code}/{numbers[course.code]:03d}",
            class_type="homeroom" if course.kind == "homeroom" else "scheduled",
            location=f"Room {100 + position % 80}",
            school_sourced_id=school,
            term_sourced_ids=tuple(term.sourced_id for term in section.terms),
            subjects=(course.subject,),
            subject_codes=(course.subject_code,),
            periods=(str(section.period),),
            category_sourced_ids=course.categories,
        )
        if section.homeroom is not None:
            teacher = staff.homeroom_teacher(section.homeroom)
        else:
            slots = {(term.sourced_id, section.period) for term in section.terms}
            teacher = staff.teacher(course.subject, slots, busy)
        co_teacher = staff.another(chance, teacher) if chance.random() < _CO_TEACHER_CHANCE else None
        begins, ends = section.terms[0].start_date, day_after(section.terms[-1].end_date)
        seats: list[tuple[str, str, bool | None]] = [(teacher.sourced_id, "teacher", True)]
        if co_teacher:
            seats.append((co_teacher.sourced_id, "teacher", False))
        seats.extend((student, "student", None) for student in section.students)
        for user, role, primary in seats:
            enrollments += 1
            yield Enrollment(
                sourced_id=f"enr-{calendar.ends}-{school_number}-{enrollments:06d}",
                date_last_modified=modified,
                class_sourced_id=class_id,
                school_sourced_id=school,
                user_sourced_id=user,
                role=role,
                primary=primary,
                begin_date=begins,
                end_date=ends,
            )


def _sections(level: Level, calendar: SchoolYear, cohorts: dict[str, list[str]], chance: Random) -> Iterator[_Section]:
    """Core courses go to a grade's groups, each group with its own order of periods; electives are chosen."""
    homerooms = 0
    for grade, students in cohorts.items():
        for slot, courses in enumerate(slots := _core_slots(level, grade)):
            for group, members in enumerate(_groups(students)):
                period = (slot + group) % len(slots) + 1
                for position, course in enumerate(courses):
                    terms = calendar.terms if len(courses) == 1 else (calendar.terms[position],)
                    own = level == "elementary" and course.subject not in _SPECIALIST_SUBJECTS
                    yield _Section(course, (grade,), terms, period, members, homerooms + group if own else None)
        homerooms += len(_groups(students))
    yield from _electives(level, calendar, cohorts, chance)


def _electives(level: Level, calendar: SchoolYear, cohorts: dict[str, list[str]], chance: Random) -> Iterator[_Section]:
    choices = _slots([course for course in catalogue(level) if course.kind == "elective"])
    takers: dict[tuple[int, int], list[str]] = defaultdict(list)
    for grade, students in cohorts.items():
        free = range(len(_core_slots(level, grade)) + 1, PERIODS + 1) if choices else range(0)
        for student in students:
            for period, choice in zip(free, chance.sample(range(len(choices)), len(free)), strict=True):
                takers[choice, period].append(student)
    for (choice, period), students in sorted(takers.items()):
        courses = choices[choice]
        for members in _groups(students):
            for position, course in enumerate(courses):
                terms = calendar.terms if len(courses) == 1 else (calendar.terms[position],)
                yield _Section(course, course.grades, terms, period, members)


def _core_slots(level: Level, grade: str) -> list[tuple[CatalogueCourse, ...]]:
    return _slots([course for course in catalogue(level) if course.kind != "elective" and grade in course.grades])


def _slots(courses: list[CatalogueCourse]) -> list[tuple[CatalogueCourse, ...]]:
    """What fills a period for a year: a course of a whole year, or two of a semester each."""
    semesters = [course for course in courses if course.length == "semester"]
    return [
        *((course,) for course in courses if course.length == "year"),
        *zip(semesters[::2], semesters[1::2], strict=True),
    ]


def _groups(students: list[str]) -> list[list[str]]:
    """The students in groups of equal size, as few as there can be."""
    count = -(-len(students) // CLASS_SIZE)
    return [students[group::count] for group in range(count)]


def _course_id(school_number: str, course: CatalogueCourse) -> str:
    return f"crs-{school_number}-{course.code}"

"""Makes up Maple Unified School District: the same for the same seed, of any size, school by school."""

import itertools
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random

from roster_pipeline.sandbox.catalogue import CATEGORIES, GRADES, Level
from roster_pipeline.sandbox.district import District
from roster_pipeline.sandbox.names import account_name, draw_origin, school_name
from roster_pipeline.sandbox.objects import Category, OneRosterObject, Org, User
from roster_pipeline.sandbox.school_calendar import SchoolYear, ending_year, school_year
from roster_pipeline.sandbox.timetable import Staff, timetable

NAME = "Maple Unified School District"
DISTRICT_ID = "org-0001"
DOMAIN = "mapleusd.example"
#: The day on which the district is made up unless told otherwise.
DEFAULT_TODAY = date(2026, 10, 1)
#: Pupils of a usual school, and the first school number of the level.
_SCHOOLS: dict[Level, tuple[int, int]] = {"elementary": (460, 101), "middle": (720, 4001), "high": (1400, 7001)}
_ALL_GRADES = [(level, grade) for level, grades in GRADES.items() for grade in grades]
#: How many families may still get another child at a school yet to come.
_OPEN_FAMILIES = 300
_SIBLING_CHANCE = 0.25


def make_district(students: int = 2000, *, today: date = DEFAULT_TODAY, seed: int = 1, years: int = 2) -> District:
    """The district with everything in memory; see `made_up_objects`."""
    return District(NAME, today, seed, made_up_objects(students, today=today, seed=seed, years=years))


def made_up_objects(
    students: int = 2000, *, today: date = DEFAULT_TODAY, seed: int = 1, years: int = 2
) -> Iterator[OneRosterObject]:
    """Every object of the district, one school after the other, without holding them.

    A district of `students` pupils (about 7 classes and 1.2 guardians each) in the school year of `today` and the
    `years - 1` before it; of earlier years there are the classes of the pupils still at the same school.
    Raises ValueError when `students` is below 100, because such a district could not fill its grades.
    """
    if students < 100:
        raise ValueError(f"{students} students are too few for thirteen grades; ask for 100 or more")
    modified = f"{today - timedelta(days=30):%Y-%m-%d}T05:00:00.000Z"
    ends = ending_year(today)
    calendars = [school_year(year, modified) for year in range(ends, ends - years, -1)]
    for calendar in calendars:
        yield from calendar.sessions
    yield Org(sourced_id=DISTRICT_ID, date_last_modified=modified, name=NAME, type="district", identifier="2512340")
    for sourced_id, title in CATEGORIES.items():
        yield Category(sourced_id=sourced_id, date_last_modified=modified, title=title)

    people = _People(Random(f"{seed}/people"), modified)
    yield people.staff_member("administrator", DISTRICT_ID)
    schools = _schools(students)
    for school in schools:
        yield Org(
            sourced_id=school.sourced_id,
            date_last_modified=modified,
            name=school.name,
            type="school",
            identifier=school.number,
            parent_sourced_id=DISTRICT_ID,
        )
    for school in schools:
        yield from _school_objects(school, calendars, people, Random(f"{seed}/{school.number}"))
    yield from people.remaining_guardians()


@dataclass(frozen=True)
class _School:
    level: Level
    number: str
    name: str
    pupils: dict[str, int]
    """Number of pupils by grade."""

    @property
    def sourced_id(self) -> str:
        return f"org-{self.number}"


def _schools(students: int) -> list[_School]:
    """Schools enough for that many pupils, who are spread evenly over grades and schools."""
    in_grade = {
        grade: students // len(_ALL_GRADES) + (position < students % len(_ALL_GRADES))
        for position, (_, grade) in enumerate(_ALL_GRADES)
    }
    schools: list[_School] = []
    for level, (usual_size, first_number) in _SCHOOLS.items():
        at_level = sum(in_grade[grade] for grade in GRADES[level])
        # Two elementary schools at least, so that a pupil can move from one to the other.
        count = max(2 if level == "elementary" else 1, round(at_level / usual_size))
        for position in range(count):
            pupils = {grade: in_grade[grade] // count + (position < in_grade[grade] % count) for grade in GRADES[level]}
            schools.append(_School(level, f"{first_number + position:04d}", school_name(position, level), pupils))
    return schools


def _school_objects(
    school: _School, calendars: list[SchoolYear], people: "_People", chance: Random
) -> Iterator[OneRosterObject]:
    for role in ["administrator", *["aide"] * (2 if school.level == "elementary" else 1)]:
        yield people.staff_member(role, school.sourced_id)
    by_grade: dict[str, list[str]] = {grade: [] for grade in GRADES[school.level]}
    for grade, number in school.pupils.items():
        for _ in range(number):
            student = people.student(school.sourced_id, grade)
            by_grade[grade].append(student.sourced_id)
            yield student
        yield from people.settled_guardians()
    staff = Staff(lambda: people.staff_member("teacher", school.sourced_id))
    for position, calendar in enumerate(calendars):
        grades = GRADES[school.level]
        # Who is in the fifth grade now was in the fourth a year ago.
        cohorts = {earlier: by_grade[now] for earlier, now in zip(grades, grades[position:], strict=False)}
        yield from timetable(school.level, school.number, calendar, cohorts, staff, chance, with_courses=position == 0)
    yield from staff.hired


@dataclass
class _Family:
    guardians: list[User]
    family_name: str
    schools: list[str]


class _People:
    """Makes people, and guardians who may have children at several schools."""

    def __init__(self, chance: Random, modified: str) -> None:
        self._chance = chance
        self._modified = modified
        self._students = itertools.count(1)
        self._guardians = itertools.count(20_001)
        self._staff = itertools.count(501)
        self._families: deque[_Family] = deque()

    def staff_member(self, role: str, org: str) -> User:
        origin = draw_origin(self._chance)
        given, family = self._chance.choice(origin.given_names), self._chance.choice(origin.family_names)
        number = next(self._staff)
        username = f"{account_name(given)}.{account_name(family)}{number}"
        return User(
            sourced_id=f"stf-{number}",
            date_last_modified=self._modified,
            org_sourced_ids=(org,),
            role=role,
            username=username,
            given_name=given,
            family_name=family,
            email=f"{username}@{DOMAIN}",
        )

    def student(self, school: str, grade: str) -> User:
        chance = self._chance
        number = next(self._students)
        if self._families and chance.random() < _SIBLING_CHANCE:
            family = chance.choice(self._families)
        else:
            family = self._new_family()
        if school not in family.schools:
            family.schools.append(school)
        given = chance.choice(draw_origin(chance).given_names)
        username = f"{account_name(given)[:1]}{account_name(family.family_name)}{number:05d}"
        return User(
            sourced_id=f"stu-{number:06d}",
            date_last_modified=self._modified,
            org_sourced_ids=(school,),
            role="student",
            username=username,
            user_ids=(("LDAP", username),),
            given_name=given,
            family_name=family.family_name,
            middle_name=chance.choice(draw_origin(chance).given_names) if chance.random() < 0.4 else None,
            # Multiplying by a prime scatters the numbers and keeps them apart.
            identifier=str(1_000_000 + number * 7919 % 9_000_000),
            email=f"{username}@students.{DOMAIN}",
            agent_sourced_ids=tuple(guardian.sourced_id for guardian in family.guardians),
            grades=(grade,),
        )

    def settled_guardians(self) -> Iterator[User]:
        """Guardians of families that get no more children."""
        while len(self._families) > _OPEN_FAMILIES:
            yield from self._settle(self._families.popleft())

    def remaining_guardians(self) -> Iterator[User]:
        while self._families:
            yield from self._settle(self._families.popleft())

    def _new_family(self) -> _Family:
        chance = self._chance
        origin = draw_origin(chance)
        name = chance.choice(origin.family_names)
        guardians: list[User] = []
        for _ in range(1 + (chance.random() < 0.65)):
            number = next(self._guardians)
            given = chance.choice(origin.given_names)
            family_name = name if chance.random() < 0.85 else chance.choice(draw_origin(chance).family_names)
            username = f"{account_name(given)}.{account_name(family_name)}.{number}"
            phone = f"(312) 555-{100 + number % 100:04d}"
            guardians.append(
                User(
                    sourced_id=f"grd-{number}",
                    date_last_modified=self._modified,
                    org_sourced_ids=(),
                    role="guardian",
                    username=username,
                    given_name=given,
                    family_name=family_name,
                    email=f"{username}@mail.example",
                    sms=phone,
                    phone=phone,
                )
            )
        family = _Family(guardians, name, [])
        self._families.append(family)
        return family

    def _settle(self, family: _Family) -> Iterator[User]:
        for guardian in family.guardians:
            yield replace(guardian, org_sourced_ids=tuple(family.schools))

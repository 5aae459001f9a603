from collections import Counter, defaultdict
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roster_pipeline.sandbox.district import District
from roster_pipeline.sandbox.generator import made_up_objects, make_district
from roster_pipeline.sandbox.names import account_name, school_name
from roster_pipeline.sandbox.objects import (
    KINDS,
    AcademicSession,
    Category,
    Class,
    Course,
    Enrollment,
    Org,
    User,
    references,
    refers_to,
)


def test_the_same_seed_makes_the_same_district_and_another_seed_another() -> None:
    first, again, other = (list(made_up_objects(150, seed=seed)) for seed in (7, 7, 8))

    assert first == again
    assert first != other


@given(students=st.integers(100, 1500), seed=st.integers(0, 1000), years=st.integers(1, 3))
@settings(max_examples=15, deadline=None)
def test_a_made_up_district_is_without_fault(students: int, seed: int, years: int) -> None:
    district = make_district(students, seed=seed, years=years)

    assert Counter(user.role for user in district.all(User).values())["student"] == students
    for item in district:
        for name in references(type(item)):
            value = getattr(item, name)
            referred = value if isinstance(value, tuple) else () if value is None else (value,)
            assert all(sourced_id in district.all(refers_to(type(item), name)) for sourced_id in referred)
    users = list(district.all(User).values())
    assert all(user.given_name and user.family_name and user.org_sourced_ids for user in users)
    assert len({user.username for user in users}) == len(users)
    identifiers = [user.identifier for user in users if user.role == "student"]
    assert None not in identifiers
    assert len(set(identifiers)) == students


def test_every_object_has_a_sourced_id_of_its_own() -> None:
    objects = list(made_up_objects(500, years=2))

    assert len({(type(item), item.sourced_id) for item in objects}) == len(objects)


def test_nobody_sits_in_two_classes_at_once(district: District) -> None:
    taken: Counter[tuple[str, str, str]] = Counter()
    for enrollment in district.all(Enrollment).values():
        class_ = district.get(Class, enrollment.class_sourced_id)
        level = district.get(Course, class_.course_sourced_id).course_code
        # A homeroom teacher of an elementary school has one group of pupils all day, whatever the period.
        if enrollment.role == "student" and level:
            taken.update((enrollment.user_sourced_id, term, class_.periods[0]) for term in class_.term_sourced_ids)

    assert max(taken.values()) == 1


def test_a_class_has_one_lead_teacher_pupils_and_a_section_number_of_its_course(district: District) -> None:
    enrolled: dict[str, list[Enrollment]] = defaultdict(list)
    for enrollment in district.all(Enrollment).values():
        enrolled[enrollment.class_sourced_id].append(enrollment)
    codes: Counter[tuple[str, str, tuple[str, ...]]] = Counter()
    for class_ in district.all(Class).values():
        people = enrolled[class_.sourced_id]
        assert [person.primary for person in people if person.role == "teacher"].count(True) == 1
        assert 1 <= sum(person.role == "student" for person in people) <= 25
        course = district.get(Course, class_.course_sourced_id)
        assert class_.class_code
        key, _, number = class_.class_code.rpartition("/")
        assert key == course.course_code
        assert number.isdigit()
        codes[class_.school_sourced_id, class_.class_code, class_.term_sourced_ids] += 1

    assert max(codes.values()) == 1, "a section number comes once in a course, a school and a year"
    numbers = Counter(
        class_.class_code.rpartition("/")[2] for class_ in district.all(Class).values() if class_.class_code
    )
    assert numbers["001"] > 50, "section numbers come again in other courses"


def test_courses_have_the_keys_and_titles_that_skyward_shows(district: District) -> None:
    titles = {course.course_code: course.title for course in district.all(Course).values()}

    assert titles["CPLI1"] == "Computer Literacy Grade 1"


def test_a_pupil_has_classes_of_the_own_grade_and_school_all_year(district: District) -> None:
    per_pupil: Counter[str] = Counter()
    for enrollment in district.all(Enrollment).values():
        class_ = district.get(Class, enrollment.class_sourced_id)
        if enrollment.role != "student" or not class_.sourced_id.startswith("sec-2027"):
            continue
        pupil = district.get(User, enrollment.user_sourced_id)
        assert set(pupil.grades) <= set(class_.grades)
        assert pupil.org_sourced_ids == (class_.school_sourced_id,)
        per_pupil[pupil.sourced_id] += len(class_.term_sourced_ids)

    assert set(per_pupil.values()) <= {12, 14}, "six or seven periods in each of two terms"


@pytest.mark.parametrize(
    ("today", "ends"), [(date(2026, 10, 1), "2027"), (date(2027, 6, 30), "2027"), (date(2027, 7, 1), "2028")]
)
def test_the_school_years_are_that_of_the_day_and_the_one_before(today: date, ends: str) -> None:
    sessions = list(make_district(100, today=today).all(AcademicSession).values())

    assert {session.school_year for session in sessions} == {ends, str(int(ends) - 1)}
    assert Counter(session.type for session in sessions) == {"schoolYear": 2, "term": 4, "gradingPeriod": 8}


def test_terms_lie_in_their_year_and_grading_periods_in_their_term_without_overlap() -> None:
    district = make_district(100)
    sessions = district.all(AcademicSession)
    for session in sessions.values():
        assert session.start_date < session.end_date
        if session.parent_sourced_id:
            parent = sessions[session.parent_sourced_id]
            assert parent.start_date <= session.start_date
            assert session.end_date <= parent.end_date
    periods = sorted(
        (session.start_date, session.end_date) for session in sessions.values() if session.type == "gradingPeriod"
    )
    assert all(earlier[1] < later[0] for earlier, later in pairwise(periods))


def test_guardians_belong_to_the_schools_of_their_children(district: District) -> None:
    schools: dict[str, set[str]] = defaultdict(set)
    for user in district.all(User).values():
        for agent in user.agent_sourced_ids:
            schools[agent] |= set(user.org_sourced_ids)
    guardians = {user.sourced_id: user for user in district.all(User).values() if user.role == "guardian"}

    assert schools.keys() == guardians.keys()
    assert all(set(guardians[sourced_id].org_sourced_ids) == orgs for sourced_id, orgs in schools.items())
    assert any(len(orgs) > 1 for orgs in schools.values()), "some have children at several schools"


def test_there_are_all_kinds_of_people_schools_and_categories(district: District) -> None:
    assert {user.role for user in district.all(User).values()} == {
        "student", "teacher", "guardian", "administrator", "aide",
    }  # fmt: skip
    orgs = list(district.all(Org).values())
    assert [org.name for org in orgs if org.type == "district"] == ["Maple Unified School District"]
    assert {org.name.split()[-2] for org in orgs if org.type == "school"} == {"Elementary", "Middle", "High"}
    assert {"Homework", "Tests"} <= {category.title for category in district.all(Category).values()}
    assert all(class_.category_sourced_ids for class_ in district.all(Class).values())


def test_too_few_students_are_refused_with_the_remedy() -> None:
    with pytest.raises(ValueError, match="100 or more"):
        next(made_up_objects(99))


def test_no_school_name_comes_twice() -> None:
    names = [school_name(position, "middle") for position in range(2000)]

    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("name", "account"), [("Łukasik", "lukasik"), ("De la Cruz", "delacruz"), ("Núñez", "nunez"), ("O'Brien", "obrien")]
)
def test_account_names_are_plain_letters(name: str, account: str) -> None:
    assert account_name(name) == account


def test_every_kind_of_the_standard_can_be_held() -> None:
    assert District("Empty", date(2026, 10, 1), 1).all(KINDS["resources"]) == {}

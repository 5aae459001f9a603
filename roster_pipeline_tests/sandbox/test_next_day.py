from collections import defaultdict
from datetime import date

import pytest

from roster_pipeline.sandbox.district import District
from roster_pipeline.sandbox.generator import make_district
from roster_pipeline.sandbox.next_day import next_day
from roster_pipeline.sandbox.objects import Class, Course, Enrollment, OneRosterObject, User


def changes(district: District) -> tuple[dict[str, OneRosterObject], dict[str, OneRosterObject], list[str]]:
    """Objects before and after a day, only those that differ, by sourcedId; and the sentences."""
    before = {item.sourced_id: item for item in district}
    sentences = next_day(district)
    after = {item.sourced_id: item for item in district if before.get(item.sourced_id) != item}
    return {key: before[key] for key in after if key in before}, after, sentences


def test_the_day_is_one_later_and_stamped_on_every_change(district: District) -> None:
    _, after, sentences = changes(district)

    assert district.today == date(2026, 10, 2)
    assert {item.date_last_modified for item in after.values()} == {"2026-10-02T02:00:00.000Z"}
    assert len(sentences) == 5


def test_a_pupil_moves_with_the_courses_to_another_school(district: District) -> None:
    before, after, sentences = changes(district)

    moved = [
        (old, new)
        for key, old in before.items()
        if isinstance(old, User) and isinstance(new := after[key], User) and old.role == "student"
        if new.status == "active"
    ]
    assert len(moved) == 1
    old, new = moved[0]
    assert set(old.org_sourced_ids).isdisjoint(new.org_sourced_ids)
    assert f"({new.sourced_id}) moved from" in sentences[0]
    old_courses: dict[str, set[str]] = defaultdict(set)
    for enrollment in district.all(Enrollment).values():
        if enrollment.user_sourced_id == new.sourced_id and enrollment.sourced_id in after:
            class_ = district.get(Class, enrollment.class_sourced_id)
            old_courses[enrollment.status].add(district.get(Course, class_.course_sourced_id).course_code or "")
            if enrollment.status == "active":
                assert class_.school_sourced_id == new.org_sourced_ids[0]
                assert enrollment.begin_date == "2026-10-02"
    assert old_courses["active"] == old_courses["tobedeleted"] != set()


def test_the_guardians_of_who_moved_follow(district: District) -> None:
    next_day(district)

    for user in district.all(User).values():
        if user.status == "active" and user.role == "student" and not user.sourced_id.startswith("bad-"):
            for agent in user.agent_sourced_ids:
                assert set(user.org_sourced_ids) <= set(district.get(User, agent).org_sourced_ids)


def test_a_pupil_leaves_with_all_enrollments_of_the_year(district: District) -> None:
    _, after, sentences = changes(district)

    gone = [item for item in after.values() if isinstance(item, User) and item.status == "tobedeleted"]
    assert len(gone) == 1
    assert f"({gone[0].sourced_id}) left" in sentences[1]
    assert not any(
        enrollment.status == "active"
        for enrollment in district.all(Enrollment).values()
        if enrollment.user_sourced_id == gone[0].sourced_id and enrollment.class_sourced_id.startswith("sec-2027")
    )


def test_a_pupil_comes_a_class_is_renamed_and_a_nameless_pupil_appears(district: District) -> None:
    before, after, sentences = changes(district)

    new = [item for key, item in after.items() if key not in before and isinstance(item, User)]
    assert [bool(user.family_name) for user in new] == [True, False]
    assert all(user.sourced_id in " ".join(sentences) for user in new)
    renamed = [(before[key], item) for key, item in after.items() if isinstance(item, Class)]
    assert len(renamed) == 1
    old_class, new_class = renamed[0]
    assert isinstance(old_class, Class)
    assert isinstance(new_class, Class)
    assert old_class.title != new_class.title
    assert old_class.class_code != new_class.class_code
    assert old_class.term_sourced_ids == new_class.term_sourced_ids


def test_the_same_district_sees_the_same_days() -> None:
    first, again = make_district(200), make_district(200)

    assert [next_day(first) for _ in range(3)] == [next_day(again) for _ in range(3)]
    assert list(first) == list(again)


def test_days_follow_each_other_with_other_changes(district: District) -> None:
    assert len({sentence for _ in range(10) for sentence in next_day(district)}) == 50


def test_a_district_where_nobody_can_move_says_so() -> None:
    district = make_district(100)
    for user in list(district.all(User).values()):
        if user.role == "student" and user.org_sourced_ids[0] not in ("org-4001", "org-7001"):
            district.remove(User, user.sourced_id)

    with pytest.raises(ValueError, match="ask for more students"):
        next_day(district)

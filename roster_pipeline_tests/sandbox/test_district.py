import threading

import pytest

from roster_pipeline.sandbox.district import District
from roster_pipeline.sandbox.faulty_rows import FAULTY_ROWS, add_faulty_row
from roster_pipeline.sandbox.objects import Class, Enrollment, Org, User


def test_a_change_replaces_the_object_and_its_time(district: District) -> None:
    before = district.get(User, "stu-000001")

    changed = district.change(User, "stu-000001", family_name="Newname")

    assert district.get(User, "stu-000001") is changed
    assert (before.family_name, changed.family_name) == (before.family_name, "Newname")
    assert before.date_last_modified < changed.date_last_modified == "2026-10-01T02:00:00.000Z"
    assert changed.given_name == before.given_name


def test_a_change_of_what_is_not_there_is_an_error(district: District) -> None:
    with pytest.raises(KeyError):
        district.change(User, "nobody", family_name="X")


def test_marked_objects_stay_and_removed_ones_go(district: District) -> None:
    district.mark_deleted(Org, "org-0101")
    removed = district.remove(User, "stu-000001")

    assert district.get(Org, "org-0101").status == "tobedeleted"
    assert removed.sourced_id == "stu-000001"
    assert "stu-000001" not in district.all(User)


def test_every_change_raises_the_version_of_its_kind_only(district: District) -> None:
    users, orgs = district.version(User), district.version(Org)

    district.change(User, "stu-000001", email=None)
    district.put_first(district.get(User, "stu-000002"))
    district.remove(User, "stu-000002")

    assert district.version(User) == users + 3
    assert district.version(Org) == orgs


def test_what_is_put_first_is_listed_first(district: District) -> None:
    last = list(district.all(User).values())[-1]

    district.put_first(last)

    assert next(iter(district.all(User).values())) is last


def test_changed_objects_are_those_later_than_a_moment(district: District) -> None:
    moment = "2026-09-30T00:00:00.000Z"
    assert district.changed_since(moment) == []

    changed = district.change(User, "stu-000001", email="x@example.org")

    assert district.changed_since(moment) == [changed]


def test_renaming_follows_every_reference(district: District) -> None:
    enrollment = next(iter(district.all(Enrollment).values()))
    pupil = district.get(User, "stu-000001")

    district.rename_sourced_ids(User, lambda sourced_id: f"u/{sourced_id}")

    assert district.get(Enrollment, enrollment.sourced_id).user_sourced_id == f"u/{enrollment.user_sourced_id}"
    renamed = district.get(User, "u/stu-000001")
    assert renamed.agent_sourced_ids == tuple(f"u/{agent}" for agent in pupil.agent_sourced_ids)
    assert renamed.org_sourced_ids == pupil.org_sourced_ids


def test_a_district_can_be_read_while_it_changes(district: District) -> None:
    done = threading.Event()
    faults: list[Exception] = []

    def read() -> None:
        while not done.is_set():
            try:
                list(district)
            except RuntimeError as error:
                faults.append(error)
                return

    reader = threading.Thread(target=read)
    reader.start()
    for position in range(300):
        district.put(
            Org(sourced_id=f"new-{position}", date_last_modified=district.now, name="New School", type="school")
        )
    done.set()
    reader.join()

    assert faults == []


@pytest.mark.parametrize("fault", sorted(FAULTY_ROWS))
def test_a_faulty_row_is_added_and_told_of(district: District, fault: str) -> None:
    before = set(district)

    sentences = [add_faulty_row(district, fault), add_faulty_row(district, fault)]

    added = set(district) - before
    assert len(added) == 2
    assert before <= set(district), "good rows stay as they are"
    assert sorted(item.sourced_id in " ".join(sentences) for item in added) == [True, True]
    assert all(item.date_last_modified == district.now for item in added)


def test_faulty_rows_have_the_fault_they_are_named_for(district: District) -> None:
    for fault in FAULTY_ROWS:
        add_faulty_row(district, fault)
    users, classes = district.all(User), district.all(Class)

    assert users["bad-pupil_without_family_name-1"].family_name == ""
    assert users["bad-pupil_with_blank_given_name-1"].given_name.strip() == ""
    twice = [user for user in users.values() if user.username == users["bad-pupil_with_taken_username-1"].username]
    assert len(twice) == 2
    assert district.all(Enrollment)["bad-enrollment_of_unknown_pupil-1"].user_sourced_id not in users
    assert district.all(Enrollment)["bad-enrollment_in_unknown_class-1"].class_sourced_id not in classes
    early = district.all(Enrollment)["bad-enrollment_ending_before_it_begins-1"]
    assert early.begin_date is not None
    assert early.end_date is not None
    assert early.end_date < early.begin_date
    assert classes["bad-class_without_term-1"].term_sourced_ids == ()

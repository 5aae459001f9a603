"""What happens at the district from one night to the next."""

from dataclasses import replace
from datetime import date, timedelta
from random import Random

from roster_pipeline.sandbox.district import District
from roster_pipeline.sandbox.faulty_rows import add_faulty_row
from roster_pipeline.sandbox.objects import AcademicSession, Class, Course, Enrollment, Org, User
from roster_pipeline.sandbox.school_calendar import ending_year


def next_day(district: District) -> list[str]:
    """Let a day pass and things happen; returns one sentence for each.

    A pupil moves to another school, a pupil leaves, a pupil comes, a class is renamed, and a row is entered badly.
    The same district on the same day always sees the same. Raises ValueError when no pupil can move.
    """
    with district.lock:
        district.today += timedelta(days=1)
        day = _Day(district)
        return [
            day.pupil_moves(),
            day.pupil_leaves(),
            day.pupil_comes(),
            day.class_is_renamed(),
            add_faulty_row(district, "pupil_without_family_name"),
        ]


class _Day:
    def __init__(self, district: District) -> None:
        self._district = district
        self._chance = Random(f"{district.seed}/{district.today}")
        year = str(ending_year(district.today))
        sessions = {s.sourced_id for s in district.all(AcademicSession).values() if s.school_year == year}
        self._classes = {
            class_.sourced_id: class_
            for class_ in district.all(Class).values()
            if class_.status == "active" and sessions & set(class_.term_sourced_ids)
        }
        # By pupil, in this school year.
        self._enrollments: dict[str, list[Enrollment]] = {}
        for enrollment in district.all(Enrollment).values():
            is_pupil = enrollment.role == "student" and enrollment.status == "active"
            if is_pupil and enrollment.class_sourced_id in self._classes:
                self._enrollments.setdefault(enrollment.user_sourced_id, []).append(enrollment)
        self._pupils = [
            user
            for user in district.all(User).values()
            if user.role == "student" and user.status == "active" and user.sourced_id in self._enrollments
        ]

    def pupil_moves(self) -> str:
        by_course: dict[str, list[Class]] = {}
        for class_ in self._classes.values():
            by_course.setdefault(self._code(class_), []).append(class_)
        for pupil in self._chance.sample(self._pupils, len(self._pupils)):
            old_school = pupil.org_sourced_ids[0]
            old = [self._classes[enrollment.class_sourced_id] for enrollment in self._enrollments[pupil.sourced_id]]
            elsewhere = {class_.school_sourced_id for class_ in by_course[self._code(old[0])]} - {old_school}
            if elsewhere:
                break
        else:
            raise ValueError(
                f"no pupil can move on {self._district.today}, because no two schools teach the same course in that "
                "school year; ask for more students, or for a day of another school year"
            )
        new_school = min(elsewhere)
        new = [
            self._chance.choice(offered)
            for class_ in old
            if (offered := [c for c in by_course[self._code(class_)] if c.school_sourced_id == new_school])
        ]
        ended = self._end_enrollments(pupil)
        moved = self._district.change(User, pupil.sourced_id, org_sourced_ids=(new_school,))
        self._pupils.remove(pupil)
        self._enroll(moved, new)
        for guardian in pupil.agent_sourced_ids:
            self._district.change(User, guardian, org_sourced_ids=self._schools_of_children(guardian))
        return (
            f"{_name(pupil)} moved from {self._school(old_school)} to {self._school(new_school)}: "
            f"{ended} enrollments ended, {len(new)} began."
        )

    def pupil_leaves(self) -> str:
        pupil = self._chance.choice(self._pupils)
        ended = self._end_enrollments(pupil)
        self._district.mark_deleted(User, pupil.sourced_id)
        self._pupils.remove(pupil)
        return f"{_name(pupil)} left {self._school(pupil.org_sourced_ids[0])}: {ended} enrollments ended."

    def pupil_comes(self) -> str:
        classmate = self._chance.choice(self._pupils)
        number = f"new-{self._district.today:%Y%m%d}"
        username = f"newcomer{self._district.today:%m%d}"
        pupil = replace(
            classmate,
            sourced_id=f"stu-{number}",
            date_last_modified=self._district.now,
            username=username,
            user_ids=(("LDAP", username),),
            given_name=self._chance.choice(("Amina", "Leo", "Rosa", "Tariq")),
            family_name=self._chance.choice(("Lindqvist", "Moreau", "Okeke", "Petrov")),
            middle_name=None,
            identifier=f"9{self._district.today:%y%m%d}",
            email=f"{username}@students.mapleusd.example",
            agent_sourced_ids=(),
        )
        self._district.put(pupil)
        classes = [self._classes[enrollment.class_sourced_id] for enrollment in self._enrollments[classmate.sourced_id]]
        self._enroll(pupil, classes)
        return f"{_name(pupil)} came to {self._school(pupil.org_sourced_ids[0])}: {len(classes)} enrollments began."

    def class_is_renamed(self) -> str:
        class_ = self._chance.choice([c for c in self._classes.values() if c.class_code and "/" in c.class_code])
        course, _, section = (class_.class_code or "").rpartition("/")
        code, title = f"{course}/{int(section) + 100:03d}", f"{class_.title} (Honors)"
        self._district.change(Class, class_.sourced_id, title=title, class_code=code)
        return f"The class {class_.title} {class_.class_code} ({class_.sourced_id}) is now called {title} {code}."

    def _end_enrollments(self, pupil: User) -> int:
        enrollments = self._enrollments[pupil.sourced_id]
        for enrollment in enrollments:
            self._district.change(
                Enrollment, enrollment.sourced_id, status="tobedeleted", end_date=self._district.today.isoformat()
            )
        return len(enrollments)

    def _enroll(self, pupil: User, classes: list[Class]) -> None:
        today = self._district.today
        for position, class_ in enumerate(classes, 1):
            ends = max(self._district.get(AcademicSession, term).end_date for term in class_.term_sourced_ids)
            self._district.put(
                Enrollment(
                    sourced_id=f"enr-{today:%Y%m%d}-{pupil.sourced_id}-{position}",
                    date_last_modified=self._district.now,
                    class_sourced_id=class_.sourced_id,
                    school_sourced_id=class_.school_sourced_id,
                    user_sourced_id=pupil.sourced_id,
                    role="student",
                    begin_date=today.isoformat(),
                    end_date=(date.fromisoformat(ends) + timedelta(days=1)).isoformat(),
                )
            )

    def _schools_of_children(self, guardian: str) -> tuple[str, ...]:
        return tuple(
            dict.fromkeys(
                school
                for user in self._district.all(User).values()
                if guardian in user.agent_sourced_ids
                for school in user.org_sourced_ids
            )
        )

    def _code(self, class_: Class) -> str:
        return self._district.get(Course, class_.course_sourced_id).course_code or ""

    def _school(self, sourced_id: str) -> str:
        return self._district.get(Org, sourced_id).name


def _name(user: User) -> str:
    return f"{user.given_name} {user.family_name} ({user.sourced_id})"

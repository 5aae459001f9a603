"""Which objects of the district a collection's path lists."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from roster_pipeline.sandbox.district import District
from roster_pipeline.sandbox.objects import (
    AcademicSession,
    Category,
    Class,
    Course,
    Demographics,
    Enrollment,
    LineItem,
    OneRosterObject,
    Org,
    Resource,
    Result,
    User,
)

Kind = TypeVar("Kind", bound=OneRosterObject)


class UnknownObjectError(LookupError):
    """A sourcedId of the path stands for nothing, or for something of another kind."""


class Listings:
    """Reads collections and single objects out of a district by the path of an operation."""

    def __init__(self, district: District) -> None:
        self._district = district
        self._indexes: dict[str, tuple[int, dict[str, list[OneRosterObject]]]] = {}

    def one(self, collection: str, sourced_id: str) -> OneRosterObject:
        """One object of a top-level collection. Raises UnknownObjectError."""
        kind, belongs = _TOP_LEVEL[collection]
        item = self._district.all(kind).get(sourced_id)
        if item is None or not belongs(item):
            raise UnknownObjectError(f"{collection} has no {sourced_id}")
        return item

    def many(self, path: str, ids: tuple[str, ...]) -> list[OneRosterObject]:
        """The objects of a collection, in the order in which the SIS lists them. Raises UnknownObjectError."""
        if path in _TOP_LEVEL:
            kind, belongs = _TOP_LEVEL[path]
            return [item for item in self._district.all(kind).values() if belongs(item)]
        parent = path.split("/", 1)[0]
        self.one(parent, ids[0])
        return list(_NESTED[path](self, *ids))

    def courses_of_school(self, school: str) -> list[Course]:
        return self._where(Course, "org_sourced_id", school)

    def classes_of_school(self, school: str) -> list[Class]:
        return self._where(Class, "school_sourced_id", school)

    def enrollments_of_school(self, school: str) -> list[Enrollment]:
        return self._where(Enrollment, "school_sourced_id", school)

    def users_of_school(self, school: str, role: str) -> list[User]:
        return [user for user in self._where(User, "org_sourced_ids", school) if user.role == role]

    def terms_of_school(self, school: str) -> list[AcademicSession]:
        """The terms in which the school teaches."""
        used = {term for class_ in self.classes_of_school(school) for term in class_.term_sourced_ids}
        return [
            session
            for session in self._district.all(AcademicSession).values()
            if session.type == "term" and session.sourced_id in used
        ]

    def enrollments_of_class(self, class_id: str, school: str | None = None) -> list[Enrollment]:
        """Enrollments of a class. Raises UnknownObjectError when `school` is given and does not offer it."""
        class_ = self._district.all(Class).get(class_id)
        if class_ is None or school not in (None, class_.school_sourced_id):
            raise UnknownObjectError(f"school {school} has no class {class_id}")
        return self._where(Enrollment, "class_sourced_id", class_id)

    def users_of_class(self, class_id: str, role: str, school: str | None = None) -> list[User]:
        """Who is enrolled in the class in that role and not to be deleted."""
        ids = dict.fromkeys(
            enrollment.user_sourced_id
            for enrollment in self.enrollments_of_class(class_id, school)
            if enrollment.role == role and enrollment.status == "active"
        )
        users = self._district.all(User)
        return [users[sourced_id] for sourced_id in ids if sourced_id in users]

    def classes_of_term(self, term: str) -> list[Class]:
        return self._where(Class, "term_sourced_ids", term)

    def grading_periods_of_term(self, term: str) -> list[AcademicSession]:
        return [
            session
            for session in self._where(AcademicSession, "parent_sourced_id", term)
            if session.type == "gradingPeriod"
        ]

    def classes_of_course(self, course: str) -> list[Class]:
        return self._where(Class, "course_sourced_id", course)

    def classes_of_user(self, user: str, role: str | None = None) -> list[Class]:
        ids = dict.fromkeys(
            enrollment.class_sourced_id
            for enrollment in self._where(Enrollment, "user_sourced_id", user)
            if enrollment.status == "active" and role in (None, enrollment.role)
        )
        classes = self._district.all(Class)
        return [classes[sourced_id] for sourced_id in ids if sourced_id in classes]

    def categories_of_class(self, class_id: str) -> list[Category]:
        categories = self._district.all(Category)
        ids = self._district.get(Class, class_id).category_sourced_ids
        return [categories[sourced_id] for sourced_id in ids if sourced_id in categories]

    def line_items_of_class(self, class_id: str) -> list[LineItem]:
        return self._where(LineItem, "class_sourced_id", class_id)

    def results_of_line_item(self, line_item: str, class_id: str | None = None) -> list[Result]:
        """Results of a line item. Raises UnknownObjectError when `class_id` is given and does not have it."""
        item = self._district.all(LineItem).get(line_item)
        if item is None or class_id not in (None, item.class_sourced_id):
            raise UnknownObjectError(f"class {class_id} has no line item {line_item}")
        return self._where(Result, "line_item_sourced_id", line_item)

    def results_of_class(self, class_id: str) -> list[Result]:
        return [
            result
            for item in self.line_items_of_class(class_id)
            for result in self._where(Result, "line_item_sourced_id", item.sourced_id)
        ]

    def results_of_student(self, student: str, class_id: str) -> list[Result]:
        """Results of a student in a class. Raises UnknownObjectError when there is no such student."""
        self.one("students", student)
        return [result for result in self.results_of_class(class_id) if result.student_sourced_id == student]

    def is_enrolled(self, student: str, class_id: str) -> bool:
        """Whether the person is in the class as a student and not to be deleted from it."""
        return any(
            enrollment.user_sourced_id == student and enrollment.role == "student" and enrollment.status == "active"
            for enrollment in self._where(Enrollment, "class_sourced_id", class_id)
        )

    def _where(self, kind: type[Kind], field: str, value: str) -> list[Kind]:
        """The objects whose reference `field` leads to `value`; an index of it is kept until objects change."""
        version = self._district.version(kind)
        name = f"{kind.__name__}.{field}"
        kept = self._indexes.get(name)
        if kept is None or kept[0] != version:
            index: dict[str, list[OneRosterObject]] = defaultdict(list)
            for item in self._district.all(kind).values():
                referred = getattr(item, field)
                for sourced_id in referred if isinstance(referred, tuple) else (referred,):
                    index[sourced_id].append(item)
            kept = self._indexes[name] = (version, index)
        return kept[1].get(value, [])  # type: ignore[return-value]  # the index of a kind holds that kind


def _any(_: OneRosterObject) -> bool:
    return True


def _of(attribute: str, value: str) -> Callable[[OneRosterObject], bool]:
    return lambda item: getattr(item, attribute) == value


_TOP_LEVEL: Mapping[str, tuple[type[OneRosterObject], Callable[[OneRosterObject], bool]]] = {
    "academicSessions": (AcademicSession, _any),
    "terms": (AcademicSession, _of("type", "term")),
    "gradingPeriods": (AcademicSession, _of("type", "gradingPeriod")),
    "orgs": (Org, _any),
    "schools": (Org, _of("type", "school")),
    "courses": (Course, _any),
    "classes": (Class, _any),
    "users": (User, _any),
    "students": (User, _of("role", "student")),
    "teachers": (User, _of("role", "teacher")),
    "enrollments": (Enrollment, _any),
    "demographics": (Demographics, _any),
    "resources": (Resource, _any),
    "categories": (Category, _any),
    "lineItems": (LineItem, _any),
    "results": (Result, _any),
}
_NESTED: Mapping[str, Callable[..., Sequence[OneRosterObject]]] = {
    "schools/{id}/courses": Listings.courses_of_school,
    "schools/{id}/classes": Listings.classes_of_school,
    "schools/{id}/enrollments": Listings.enrollments_of_school,
    "schools/{id}/terms": Listings.terms_of_school,
    "schools/{id}/students": lambda of, school: of.users_of_school(school, "student"),
    "schools/{id}/teachers": lambda of, school: of.users_of_school(school, "teacher"),
    "schools/{id}/classes/{id}/enrollments": lambda of, school, class_: of.enrollments_of_class(class_, school),
    "schools/{id}/classes/{id}/students": lambda of, school, class_: of.users_of_class(class_, "student", school),
    "schools/{id}/classes/{id}/teachers": lambda of, school, class_: of.users_of_class(class_, "teacher", school),
    "terms/{id}/classes": Listings.classes_of_term,
    "terms/{id}/gradingPeriods": Listings.grading_periods_of_term,
    "courses/{id}/classes": Listings.classes_of_course,
    "students/{id}/classes": lambda of, student: of.classes_of_user(student, "student"),
    "teachers/{id}/classes": lambda of, teacher: of.classes_of_user(teacher, "teacher"),
    "users/{id}/classes": Listings.classes_of_user,
    "classes/{id}/students": lambda of, class_: of.users_of_class(class_, "student"),
    "classes/{id}/teachers": lambda of, class_: of.users_of_class(class_, "teacher"),
    # The district has no teaching material of its own.
    "courses/{id}/resources": lambda _of, _course: [],
    "classes/{id}/resources": lambda _of, _class: [],
    "classes/{id}/categories": Listings.categories_of_class,
    "classes/{id}/lineItems": Listings.line_items_of_class,
    "classes/{id}/results": Listings.results_of_class,
    "classes/{id}/lineItems/{id}/results": lambda of, class_, item: of.results_of_line_item(item, class_),
    "classes/{id}/students/{id}/results": lambda of, class_, student: of.results_of_student(student, class_),
}

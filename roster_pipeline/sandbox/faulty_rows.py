"""Rows as they should not be, one kind of fault each, to put into a faultless district."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from roster_pipeline.sandbox.district import District, Kind
from roster_pipeline.sandbox.objects import Class, Course, Enrollment, OneRosterObject, Org, User

#: Name of the fault -> what makes it.
_MAKERS: dict[str, Callable[[District, str], tuple[OneRosterObject, str]]] = {}
FAULTY_ROWS = _MAKERS.keys()
"""The names of the faults."""

Maker = Callable[[District, str], tuple[OneRosterObject, str]]


def add_faulty_row(district: District, fault: str) -> str:
    """Put one faulty row into the district and return a sentence that tells of it.

    The row is a copy of a good one but for the fault. Raises KeyError for a name that is not in `FAULTY_ROWS`.
    """
    with district.lock:
        count = sum(fault in item.sourced_id for item in district)
        row, sentence = _MAKERS[fault](district, f"bad-{fault}-{count + 1}")
        district.put(replace(row, date_last_modified=district.now))
        return f"{sentence} ({row.sourced_id})."


def _maker(function: Maker) -> Maker:
    _MAKERS[function.__name__.removeprefix("_")] = function
    return function


def _first(district: District, kind: type[Kind], **values: Any) -> Kind:
    """The first object of a kind that has these values."""
    for item in district.all(kind).values():
        if item.status == "active" and all(getattr(item, name) == value for name, value in values.items()):
            return item
    raise ValueError(f"the district has no {kind.__name__} with {values}")


def _pupil(district: District, sourced_id: str, **values: Any) -> User:
    return replace(
        _first(district, User, role="student"),
        **{"sourced_id": sourced_id, "username": sourced_id, "identifier": sourced_id, "user_ids": (), **values},
    )


def _enrollment(district: District, sourced_id: str, **values: Any) -> Enrollment:
    return replace(_first(district, Enrollment, role="student"), sourced_id=sourced_id, **values)


@_maker
def _pupil_without_family_name(district: District, sourced_id: str) -> tuple[OneRosterObject, str]:
    return _pupil(district, sourced_id, family_name=""), "A pupil was entered without a family name"


@_maker
def _pupil_with_blank_given_name(district: District, sourced_id: str) -> tuple[OneRosterObject, str]:
    return _pupil(district, sourced_id, given_name="  \u00a0"), "A pupil was entered with blanks for a given name"


@_maker
def _pupil_without_email(district: District, sourced_id: str) -> tuple[OneRosterObject, str]:
    return _pupil(district, sourced_id, email=None), "A pupil was entered without an e-mail address"


@_maker
def _pupil_without_username(district: District, sourced_id: str) -> tuple[OneRosterObject, str]:
    return _pupil(district, sourced_id, username=""), "A pupil was entered without a username"


@_maker
def _pupil_with_taken_username(district: District, sourced_id: str) -> tuple[OneRosterObject, str]:
    taken = _first(district, User, role="student").username
    return _pupil(district, sourced_id, username=taken), "A pupil was entered with another pupil's username"


@_maker
def _pupil_with_blanks_around(district: District, sourced_id: str) -> tuple[OneRosterObject, str]:
    pupil = _pupil(district, sourced_id, given_name=" Ada ", family_name="\tLovelace\u200b")
    return pupil, "A pupil was entered with blanks around the names"


@_maker
def _pupil_of_unknown_school(district: District, sourced_id: str) -> tuple[OneRosterObject, str]:
    return _pupil(district, sourced_id, org_sourced_ids=("org-gone",)), "A pupil was entered at a school there is not"


@_maker
def _pupil_with_unknown_guardian(district: District, sourced_id: str) -> tuple[OneRosterObject, str]:
    pupil = _pupil(district, sourced_id, agent_sourced_ids=("grd-gone",))
    return pupil, "A pupil was entered with a guardian there is not"


@_maker
def _person_with_unknown_role(district: District, sourced_id: str) -> tuple[OneRosterObject, str]:
    return _pupil(district, sourced_id, role="ext:volunteer"), "A person was entered with a role there is not"


@_maker
def _person_with_capital_role(district: District, sourced_id: str) -> tuple[OneRosterObject, str]:
    return _pupil(district, sourced_id, role=" Student"), "A person was entered with a role in another case"


@_maker
def _enrollment_of_unknown_pupil(district: District, sourced_id: str) -> tuple[OneRosterObject, str]:
    return _enrollment(district, sourced_id, user_sourced_id="stu-gone"), "Somebody unknown was enrolled in a class"


@_maker
def _enrollment_in_unknown_class(district: District, sourced_id: str) -> tuple[OneRosterObject, str]:
    return _enrollment(
        district, sourced_id, class_sourced_id="sec-gone"
    ), "A pupil was enrolled in a class there is not"


@_maker
def _enrollment_twice(district: District, sourced_id: str) -> tuple[OneRosterObject, str]:
    return _enrollment(district, sourced_id), "A pupil was enrolled in the same class twice"


@_maker
def _enrollment_ending_before_it_begins(district: District, sourced_id: str) -> tuple[OneRosterObject, str]:
    enrollment = _enrollment(district, sourced_id)
    dates: dict[str, Any] = {"begin_date": enrollment.end_date, "end_date": enrollment.begin_date}
    return replace(enrollment, **dates), "An enrollment was entered that ends before it begins"


@_maker
def _class_of_unknown_course(district: District, sourced_id: str) -> tuple[OneRosterObject, str]:
    class_ = replace(_first(district, Class), sourced_id=sourced_id, course_sourced_id="crs-gone")
    return class_, "A class was entered for a course there is not"


@_maker
def _class_without_term(district: District, sourced_id: str) -> tuple[OneRosterObject, str]:
    return replace(
        _first(district, Class), sourced_id=sourced_id, term_sourced_ids=()
    ), "A class was entered without a term"


@_maker
def _class_without_section_number(district: District, sourced_id: str) -> tuple[OneRosterObject, str]:
    class_ = replace(_first(district, Class), sourced_id=sourced_id, class_code=None)
    return class_, "A class was entered without a section number"


@_maker
def _course_without_code(district: District, sourced_id: str) -> tuple[OneRosterObject, str]:
    return replace(
        _first(district, Course), sourced_id=sourced_id, course_code=None
    ), "A course was entered without a key"


@_maker
def _school_without_district(district: District, sourced_id: str) -> tuple[OneRosterObject, str]:
    school = replace(
        _first(district, Org, type="school"), sourced_id=sourced_id, parent_sourced_id=None, name="Orphan School"
    )
    return school, "A school was entered that belongs to no district"


@_maker
def _school_below_itself(district: District, sourced_id: str) -> tuple[OneRosterObject, str]:
    school = replace(
        _first(district, Org, type="school"), sourced_id=sourced_id, parent_sourced_id=sourced_id, name="Loop School"
    )
    return school, "A school was entered that belongs to itself"

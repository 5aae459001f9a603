"""Districts, schools and sessions: what becomes an org unit, with which name and code, and where it hangs."""

from collections.abc import Callable

import pytest

from roster_pipeline_tests.pipeline import Pipeline
from roster_pipeline_tests.roster_files import RosterFiles
from roster_pipeline_tests.rules.first_night import FirstNight

INTEGRATED = {"district", "school", "school_year", "semester", "term", "grading_period"}
COURSES = {"course_template", "course_offering", "section"}


@pytest.mark.rule("SK-007", "IC-005")
def test_exactly_the_org_units_made_from_sis_objects_are_managed(district: FirstNight) -> None:
    managed = district.pipeline.rows("sync.mappings", "kind NOT IN ('user', 'enrollment', 'relationship')")
    units = district.pipeline.rows("brightspace.org_units", "kind <> 'organization'")
    assert {row["kind"] for row in managed} == INTEGRATED | COURSES
    assert {(row["kind"], row["sourced_id"]) for row in managed} == {(row["kind"], row["sourced_id"]) for row in units}


@pytest.mark.rule("SK-009", "IC-007")
def test_district_and_school_lie_above_the_templates(district: FirstNight) -> None:
    assert district.parents("course_template:math") == {"school:elm"}
    assert district.parents("course_template:lit") == {"district:district"}
    for upper in ("district:district", "school:elm", "school:oak"):
        assert not {key.partition(":")[0] for key in district.parents(upper)} & COURSES


@pytest.mark.rule("SK-011", "IC-009")
def test_nights_repeat_and_one_district_stays(delivered: Pipeline, files: RosterFiles) -> None:
    night = delivered.night(files)
    assert list(delivered.mappings("district")) == ["district"]
    assert not delivered.issues(night, "org.district_several")
    files.org("second", "district", "Second USD")
    (issue,) = delivered.issues(delivered.night(files), "org.district_several")
    assert issue["severity"] == "error"


@pytest.mark.rule("SK-012", "SK-015", "IC-010", "IC-013")
def test_district_and_schools_have_the_names_of_the_sis(district: FirstNight) -> None:
    assert district.unit("district:district")["name"] == "Maple USD"
    assert district.unit("school:elm")["name"] == "Elm Elementary"
    assert district.unit("school:oak")["name"] == "Oak Elementary"


@pytest.mark.rule("SK-013", "SK-016")
def test_skyward_codes_district_and_schools_by_name(skyward: FirstNight) -> None:
    assert skyward.unit("district:district")["code"] == "Maple USD"
    assert skyward.unit("school:elm")["code"] == "Elm Elementary"
    assert skyward.unit("school:oak")["code"] == "Oak Elementary"


@pytest.mark.rule("SK-016")
def test_two_schools_of_one_name_are_two_units_and_an_issue(pipeline: Pipeline, files: RosterFiles) -> None:
    files.change("orgs", "oak", name="Elm Elementary")
    night = pipeline.night(files)
    assert {row["sourced_id"] for row in pipeline.issues(night, "org.code_repeated")} == {"elm", "oak"}
    assert pipeline.unit("school:elm")["delivery_code"] != pipeline.unit("school:oak")["delivery_code"]


@pytest.mark.rule("IC-011", "IC-014")
def test_infinite_campus_codes_district_and_schools_by_number(campus: FirstNight) -> None:
    assert campus.unit("district:district")["code"] == "0500"
    assert campus.unit("school:elm")["code"] == "0501"
    assert campus.unit("school:oak")["code"] == "0502"


@pytest.mark.rule("IC-011")
def test_without_a_number_the_name_is_the_code(pipeline_with: Callable[..., Pipeline], files: RosterFiles) -> None:
    pipeline = pipeline_with(profile="infinite_campus")
    files.change("orgs", "district", identifier="")
    night = pipeline.night(files)
    assert pipeline.unit("district:district")["code"] == "Maple USD"
    assert [row["sourced_id"] for row in pipeline.issues(night, "org.identifier_missing")] == ["district"]


@pytest.mark.rule("SK-014", "IC-012")
def test_each_school_is_one_org_unit(district: FirstNight) -> None:
    assert district.keys("school") == {"elm", "oak"}


@pytest.mark.rule("SK-017", "SK-027", "SK-028", "SK-029", "IC-015")
def test_schools_hang_below_the_district_and_the_district_below_the_root(district: FirstNight) -> None:
    # Elm's parent in the feed is a local agency, Oak has none.
    assert district.parents("school:elm") == district.parents("school:oak") == {"district:district"}
    assert district.parents("district:district") == {"organization:root"}


@pytest.mark.rule("SK-027", "SK-032", "SK-033")
@pytest.mark.parametrize("key", ["school_year:year", "term:fall", "semester:semester", "grading_period:q1"])
def test_sessions_hang_below_the_root(district: FirstNight, key: str) -> None:
    assert district.parents(key) == {"organization:root"}


@pytest.mark.rule("SK-008", "SK-032", "IC-006")
def test_offerings_hang_below_terms_only(district: FirstNight) -> None:
    assert not district.children("school_year:year")
    assert not district.children("grading_period:q1")
    assert district.children("term:spring") == {"course_offering:lit-2"}


@pytest.mark.rule("SK-008", "IC-006")
@pytest.mark.parametrize("profile", ["skyward", "infinite_campus"])
def test_grading_periods_that_vanish_change_no_offering(
    pipeline_with: Callable[..., Pipeline], files: RosterFiles, profile: str
) -> None:
    pipeline = pipeline_with(profile=profile)
    files.change("classes", "lit-1", termSourcedIds=["q1", "fall", "year"])
    pipeline.night(files)
    before = pipeline.rows("brightspace.org_units", "kind = 'course_offering'")
    parents = pipeline.parents("course_offering:lit-1")
    files.remove("academicSessions", "q1")
    night = pipeline.night(files)
    assert pipeline.rows("brightspace.org_units", "kind = 'course_offering'") == before
    assert pipeline.parents("course_offering:lit-1") == parents
    assert not any(night.delta.values())


@pytest.mark.rule("SK-031", "CF-088")
def test_session_types_map_to_org_unit_types_and_others_make_none(
    pipeline_with: Callable[..., Pipeline], files: RosterFiles
) -> None:
    pipeline = pipeline_with(courses={"session_types": {"term": "Semester", "schoolYear": "Year"}})
    night = pipeline.night(files)
    units = pipeline.rows("brightspace.org_units", "kind IN ('term', 'school_year', 'grading_period', 'semester')")
    assert {(row["sourced_id"], row["org_unit_type"]) for row in units} == {
        ("fall", "Semester"),
        ("spring", "Semester"),
        ("year", "Year"),
    }
    assert not pipeline.issues(night)
    pipeline.configure(courses={"session_types": {"term": "Semester", "gradingPeriod": "Window"}})
    pipeline.night(files)
    assert pipeline.unit("grading_period:q1")["org_unit_type"] == "Window"


@pytest.mark.rule("IC-025")
def test_the_whole_graph_of_an_infinite_campus_district(campus: FirstNight) -> None:
    assert {
        row["org_unit_key"]: campus.parents(row["org_unit_key"])
        for row in campus.pipeline.rows(
            "brightspace.org_units", "sourced_id IN ('root', 'district', 'elm', 'lit', 'math', 'lit-2', 'math-1')"
        )
    } == {
        "organization:root": set(),
        "district:district": {"organization:root"},
        "school:elm": {"district:district"},
        "course_template:lit": {"district:district"},
        "course_template:math": {"school:elm"},
        "course_offering:lit-2": {"course_template:lit", "school:oak", "term:fall", "term:spring"},
        "section:lit-2": {"course_offering:lit-2"},
        "course_offering:math-1": {"course_template:math", "school:elm", "term:fall"},
        "section:math-1": {"course_offering:math-1"},
    }


@pytest.mark.rule("CF-050", "CF-051", "CF-052", "CF-087")
def test_district_and_school_become_the_types_they_are_mapped_to(
    pipeline_with: Callable[..., Pipeline], files: RosterFiles
) -> None:
    pipeline = pipeline_with(courses={"org_types": {"district": "Division", "school": "College"}})
    night = pipeline.night(files)
    assert pipeline.unit("district:district")["org_unit_type"] == "Division"
    assert pipeline.unit("school:elm")["org_unit_type"] == "College"
    assert {line["type"] for line in night.lines("Other")} >= {"division", "college"}


@pytest.mark.rule("CF-053")
def test_children_of_an_unmapped_type_hang_below_the_nearest_mapped_org(
    pipeline_with: Callable[..., Pipeline], files: RosterFiles
) -> None:
    files.org("state", "state", "The State")
    files.change("orgs", "district", parentSourcedId="state")
    files.org("north", "local", "North Agency", parentSourcedId="district")
    files.org("arts", "department", "Arts", parentSourcedId="north")
    files.change("courses", "lit", orgSourcedId="north")
    pipeline = pipeline_with(courses={"org_types": {"district": "District", "school": "School", "department": "Area"}})
    night = pipeline.night(files)
    assert pipeline.parents("department:arts") == {"district:district"}
    assert pipeline.parents("course_template:lit") == {"district:district"}
    assert not pipeline.rows("brightspace.org_units", "kind IN ('local', 'state')")
    assert not pipeline.issues(night)


@pytest.mark.rule("CF-053", "CF-087")
def test_a_profile_with_nearest_parents_keeps_every_mapped_level(
    pipeline_with: Callable[..., Pipeline], files: RosterFiles
) -> None:
    files.org("north", "local", "North Agency", parentSourcedId="district")
    files.change("orgs", "elm", parentSourcedId="north")
    types = {"district": "District", "school": "School", "local": "Agency"}
    pipeline = pipeline_with(profile="generic", courses={"org_types": types})
    pipeline.night(files)
    assert pipeline.parents("school:elm") == {"local:north"}
    assert pipeline.parents("local:north") == {"district:district"}


@pytest.mark.rule("CF-054", "CF-055", "CF-056", "CF-057")
@pytest.mark.parametrize(
    ("sis_type", "key"),
    [
        ("schoolYear", "school_year:year"),
        ("semester", "semester:half"),
        ("term", "term:fall"),
        ("gradingPeriod", "grading_period:q1"),
    ],
)
def test_each_session_type_becomes_the_type_it_is_mapped_to(
    pipeline_with: Callable[..., Pipeline], files: RosterFiles, sis_type: str, key: str
) -> None:
    files.session("half", "semester", "2026-08-15", "2027-01-20", parentSourcedId="year")
    pipeline = pipeline_with(courses={"session_types": {sis_type: "Made To Measure"}})
    pipeline.night(files)
    units = pipeline.rows("brightspace.org_units", "org_unit_type = 'Made To Measure'")
    assert key in {row["org_unit_key"] for row in units}
    assert {row["kind"] for row in units} == {key.partition(":")[0]}


@pytest.mark.rule("CF-055")
def test_semesters_organise_offerings_like_terms(pipeline: Pipeline, files: RosterFiles) -> None:
    files.session("half", "semester", "2026-08-15", "2027-01-20", parentSourcedId="year")
    files.change("classes", "math-1", termSourcedIds=["half"])
    pipeline.night(files)
    assert "semester:half" in pipeline.parents("course_offering:math-1")


@pytest.mark.rule("SK-036")
def test_what_is_renamed_in_the_sis_is_renamed_in_brightspace(delivered: Pipeline, files: RosterFiles) -> None:
    files.change("orgs", "elm", name="Elm Academy")
    files.change("courses", "math", title="Maths")
    night = delivered.night(files)
    changed = {row["org_unit_key"]: row["after"]["name"] for row in delivered.rows("delta.org_units")}
    assert changed == {
        "school:elm": "Elm Academy",
        "course_template:math": "Maths",
        "course_offering:math-1": "Maths-MATH/001",
        "section:math-1": "Maths-MATH/001",
    }
    assert {line["name"] for line in night.lines("Offerings")} == {"Maths-MATH/001"}
    assert not any(delivered.night(files).delta.values())

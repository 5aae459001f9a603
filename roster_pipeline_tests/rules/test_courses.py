"""Courses and classes: which become templates, offerings and sections, under which names and codes."""

from collections.abc import Callable
from typing import Any

import pytest

from roster_pipeline.settings import SettingsError
from roster_pipeline_tests.pipeline import Pipeline
from roster_pipeline_tests.roster_files import RosterFiles, names
from roster_pipeline_tests.rules.first_night import FirstNight


@pytest.mark.rule("SK-018", "IC-016")
def test_only_courses_with_an_active_class_of_the_year_become_templates(district: FirstNight) -> None:
    assert district.keys("course_template") == {"lit", "math", "english"}


@pytest.mark.rule("SK-019", "SK-020", "IC-017", "IC-018")
def test_a_template_is_named_by_title_and_coded_by_course_code(district: FirstNight) -> None:
    template = district.unit("course_template:lit")
    assert (template["name"], template["code"]) == ("Computer Literacy Grade 1", "CPLI1")


@pytest.mark.rule("SK-021", "IC-019")
def test_each_active_class_of_the_year_becomes_an_offering_and_a_section(district: FirstNight) -> None:
    classes = {"lit-1", "lit-2", "math-1", "eng-2", "eng-3", "eng-4"}
    assert district.keys("course_offering") == district.keys("section") == classes


@pytest.mark.rule("SK-025")
def test_an_offering_has_exactly_one_section(district: FirstNight) -> None:
    for class_ in district.keys("course_offering"):
        assert district.children(f"course_offering:{class_}") == {f"section:{class_}"}


@pytest.mark.rule("SK-026", "SK-033")
def test_an_offering_hangs_below_template_school_and_all_its_terms(district: FirstNight) -> None:
    assert district.parents("course_offering:lit-2") == {
        "course_template:lit",
        "school:oak",
        "term:fall",
        "term:spring",
    }


@pytest.mark.rule("SK-034")
def test_a_course_taught_in_two_schools_is_one_template_and_two_offerings(district: FirstNight) -> None:
    assert district.children("course_template:lit") == {"course_offering:lit-1", "course_offering:lit-2"}
    assert "school:elm" in district.parents("course_offering:lit-1")
    assert "school:oak" in district.parents("course_offering:lit-2")


@pytest.mark.rule("SK-022", "SK-023")
def test_skyward_names_offering_and_section_by_title_key_and_number(skyward: FirstNight) -> None:
    for kind in ("course_offering", "section"):
        assert skyward.unit(f"{kind}:lit-1")["name"] == "Computer Literacy Grade 1-CPLI1/001"


@pytest.mark.rule("SK-022")
def test_separators_inside_skyward_titles_and_keys_stay(pipeline: Pipeline, files: RosterFiles) -> None:
    cases = {
        "dash": ("Pre-Algebra", "PRE-1", "PRE-1/07", "Pre-Algebra-PRE-1/07"),
        "slash": ("Art/Music", "AM/2", "AM/2/010", "Art/Music-AM/2/010"),
        "blank": ("  World   History ", "WH 9", "WH 9 003", "World History-WH 9/003"),
        "plain": ("Band", "BAND", "0002", "Band-BAND/0002"),
    }
    for key, (title, code, class_code, _) in cases.items():
        files.course(f"course-{key}", title, code)
        files.class_(f"class-{key}", f"course-{key}", "elm", ["fall"], class_code)
    pipeline.night(files)
    for key, (*_, name) in cases.items():
        assert pipeline.unit(f"course_offering:class-{key}")["name"] == name
        assert pipeline.unit(f"section:class-{key}")["name"] == name


@pytest.mark.rule("SK-024")
def test_skyward_codes_repeat_between_courses_and_are_no_identity(skyward: FirstNight) -> None:
    units = {
        (kind, class_): skyward.unit(f"{kind}:{class_}")
        for kind in ("course_offering", "section")
        for class_ in ("lit-1", "math-1")
    }
    assert {unit["code"] for unit in units.values()} == {"001"}
    assert len({unit["delivery_code"] for unit in units.values()}) == len(units)


@pytest.mark.rule("IC-020", "IC-021")
def test_infinite_campus_names_by_course_number_section_and_class(campus: FirstNight) -> None:
    for kind in ("course_offering", "section"):
        assert campus.unit(f"{kind}:eng-2")["name"] == "1200 2 Grade 9 English"


@pytest.mark.rule("IC-020")
def test_a_missing_part_leaves_no_double_blank_and_an_issue(
    pipeline_with: Callable[..., Pipeline], files: RosterFiles
) -> None:
    pipeline = pipeline_with(profile="infinite_campus")
    files.change("courses", "math", courseCode="")
    night = pipeline.night(files)
    assert pipeline.unit("course_offering:math-1")["name"] == "001 Mathematics 1"
    assert [row["sourced_id"] for row in pipeline.issues(night, "class.name_part_missing")] == ["math-1"]


@pytest.mark.rule("IC-022", "IC-023")
def test_without_a_lead_teacher_the_name_is_the_code(campus: FirstNight) -> None:
    # lit-2 has no teacher at all, eng-4 one who does not lead.
    for kind in ("course_offering", "section"):
        assert campus.unit(f"{kind}:eng-4")["code"] == "1200 4 Grade 9 English"
        assert campus.unit(f"{kind}:lit-2")["code"] == campus.unit(f"{kind}:lit-2")["name"] == "CPLI1 002 Literacy 2"


@pytest.mark.rule("IC-023", "IC-024")
def test_the_lead_teacher_is_the_code_of_all_their_sections(campus: FirstNight) -> None:
    for kind in ("course_offering", "section"):
        two, three = campus.unit(f"{kind}:eng-2"), campus.unit(f"{kind}:eng-3")
        assert two["code"] == three["code"] == "Hernandez_Olivia"
        assert two["delivery_code"] != three["delivery_code"]
        assert two["name"] != three["name"]


@pytest.mark.parametrize(
    ("source", "values", "number"),
    [
        ("class_code", {}, "CPLI1/001"),
        ("class_code_last_segment", {}, "001"),
        (r"class_title_regex:\((\w+)\)", {"title": "Literacy (7b)"}, "7b"),
        ("metadata:sectionNumber", {"metadata.sectionNumber": "042"}, "042"),
    ],
)
def test_a_district_says_where_the_section_number_comes_from(
    pipeline_with: Callable[..., Pipeline], files: RosterFiles, source: str, values: dict[str, str], number: str
) -> None:
    pipeline = pipeline_with(mapping={"section_number": source})
    files.change("classes", "lit-1", **values)
    pipeline.night(files)
    assert pipeline.unit("course_offering:lit-1")["code"] == number


def test_a_class_without_a_section_number_is_named_by_its_id(pipeline: Pipeline, files: RosterFiles) -> None:
    files.change("classes", "lit-1", classCode="")
    night = pipeline.night(files)
    assert pipeline.unit("course_offering:lit-1")["name"] == "Computer Literacy Grade 1-CPLI1/lit-1"
    assert [row["sourced_id"] for row in pipeline.issues(night, "class.section_number_missing")] == ["lit-1"]


def test_a_district_may_name_and_code_in_its_own_way(
    pipeline_with: Callable[..., Pipeline], files: RosterFiles
) -> None:
    pattern = {
        "name": ["{school.name}: {class.title} ({term.title})"],
        "code": ["{school.identifier}-{section_number}"],
    }
    pipeline = pipeline_with(mapping={"offering": pattern})
    pipeline.night(files)
    offering, section = pipeline.unit("course_offering:lit-2"), pipeline.unit("section:lit-2")
    assert (offering["name"], offering["code"]) == ("Oak Elementary: Literacy 2 (Fall)", "0502-002")
    assert section["name"] == "Computer Literacy Grade 1-CPLI1/002"


@pytest.mark.rule("CF-058", "CF-059", "CF-060")
@pytest.mark.parametrize("group", ["course_offering", "section", "course_template"])
def test_preset_group_types_cannot_be_removed(pipeline: Pipeline, group: str) -> None:
    presets = dict(pipeline.settings.courses.group_types)
    assert set(presets) >= {"course_offering", "section", "course_template"}
    del presets[group]
    pipeline.configure(courses={"group_types": presets})
    with pytest.raises(SettingsError, match=rf"courses\.group_types.*{group}"):
        _ = pipeline.settings


@pytest.mark.rule("CF-059")
def test_pupils_are_placed_in_the_section_of_the_offering(pipeline: Pipeline, files: RosterFiles) -> None:
    night = pipeline.night(files)
    section = pipeline.unit("section:lit-1")["delivery_code"]
    lines = [line for line in night.lines("Enrollments") if line["parent_code"] == section]
    assert names(lines, "child_code") == {"id-sam", "id-sue", "tina"}
    (line,) = (line for line in night.lines("Sections") if line["code"] == section)
    assert line["offering_code"] == pipeline.unit("course_offering:lit-1")["delivery_code"]


@pytest.mark.rule("CF-061")
def test_section_associations_are_mapped_and_never_made(
    pipeline_with: Callable[..., Pipeline], files: RosterFiles
) -> None:
    presets: dict[str, Any] = dict(pipeline_with().settings.courses.group_types)
    assert "section_association" in presets
    pipeline = pipeline_with(courses={"group_types": {**presets, "section_association": "Never Made"}})
    pipeline.night(files)
    assert not pipeline.rows("brightspace.org_units", "org_unit_type = 'Never Made'")

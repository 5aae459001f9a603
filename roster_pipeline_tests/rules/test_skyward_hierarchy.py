"""What a Skyward district becomes in Brightspace: org units, their names, codes and parents."""

import pytest

from roster_pipeline_tests.pipeline import Pipeline
from roster_pipeline_tests.roster_files import RosterFiles, names


@pytest.mark.rule("SK-022", "SK-023")
def test_offering_and_section_are_named_by_course_key_and_number(pipeline: Pipeline, files: RosterFiles) -> None:
    pipeline.night(files)
    for kind in ("course_offering", "section"):
        assert pipeline.unit(f"{kind}:lit-1")["name"] == "Computer Literacy Grade 1-CPLI1/001"


@pytest.mark.rule("SK-010", "SK-030", "SK-035")
def test_a_pupil_is_enrolled_in_offering_section_and_school(pipeline: Pipeline, files: RosterFiles) -> None:
    pipeline.night(files)
    assert pipeline.enrolled("sue") == {
        "course_offering:lit-1": "Learner",
        "section:lit-1": "Learner",
        "school:elm": "Learner",
    }


@pytest.mark.rule("SK-026", "SK-033", "SK-008")
def test_an_offering_hangs_below_template_school_and_terms(pipeline: Pipeline, files: RosterFiles) -> None:
    pipeline.night(files)
    assert pipeline.parents("course_offering:lit-2") == {
        "course_template:lit",
        "school:oak",
        "term:fall",
        "term:spring",
    }


def test_an_unchanged_second_night_writes_no_bundle(pipeline: Pipeline, files: RosterFiles) -> None:
    first = pipeline.night(files)
    assert names(first.lines("Users"), "username") == {f"{name}.login" for name in ("sam", "sue", "pat", "tina", "gus")}
    second = pipeline.night(files)
    assert second.bundle is None
    assert not any(second.delta.values())

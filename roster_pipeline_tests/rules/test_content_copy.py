"""Course content of new offerings: where it is to be copied from."""

from collections.abc import Callable
from typing import Any

import pytest

from roster_pipeline_tests.pipeline import Pipeline
from roster_pipeline_tests.roster_files import RosterFiles, names
from roster_pipeline_tests.rules.existing import brightspace_holds

Make = Callable[..., Pipeline]


def _copying(source: str) -> dict[str, Any]:
    return {"courses": {"content_copy": {"enabled": True, "from": source}}}


def _offering(code: str, brightspace_id: int, **values: Any) -> dict[str, Any]:
    return {"brightspace_id": brightspace_id, "type": "course offering", "code": code, "name": "Model", **values}


@pytest.mark.rule("CF-071", "CF-098")
def test_offerings_start_empty_unless_said_otherwise(pipeline: Pipeline, files: RosterFiles) -> None:
    brightspace_holds(pipeline, org_units=[_offering("002", 7)])
    pipeline.night(files)
    assert not pipeline.rows("delta.content_copies")
    assert not pipeline.rows("sync.content_copies")


@pytest.mark.rule("CF-072", "CF-100")
def test_from_the_course_with_the_same_code(pipeline_with: Make, files: RosterFiles) -> None:
    pipeline = pipeline_with(**_copying("same_code"))
    assert (
        pipeline_with(courses={"content_copy": {"enabled": True}}).settings.courses.content_copy.source == "same_code"
    )
    brightspace_holds(pipeline, org_units=[_offering("001", 7), _offering("001", 8), _offering("002", 9)])
    night = pipeline.night(files)
    (copy,) = pipeline.rows("delta.content_copies")
    assert (copy["org_unit_key"], copy["source_code"], copy["source_brightspace_id"]) == (
        "course_offering:lit-2",
        "002",
        9,
    )
    # Two courses have the code of the other two offerings: none of them is copied.
    issues = pipeline.issues(night, "content_copy.source_ambiguous")
    assert names(issues, "sourced_id") == {"lit-1", "math-1"}


@pytest.mark.rule("CF-073", "CF-101")
def test_from_the_parent_template(pipeline_with: Make, files: RosterFiles) -> None:
    pipeline = pipeline_with(**_copying("parent_template"))
    pipeline.night(files)
    templates = pipeline.mappings("course_template")
    assert {row["org_unit_key"]: row["source_code"] for row in pipeline.rows("delta.content_copies")} == {
        "course_offering:lit-1": templates["lit"]["code"],
        "course_offering:lit-2": templates["lit"]["code"],
        "course_offering:math-1": templates["math"]["code"],
    }


@pytest.mark.rule("CF-074", "CF-101")
def test_from_the_sibling_with_the_code_of_the_template(pipeline_with: Make, files: RosterFiles) -> None:
    pipeline = pipeline_with(**_copying("sibling"))
    held = [
        _offering("CPLI1", 7, template_code="CPLI1"),
        _offering("001", 8, template_code="CPLI1"),
        _offering("MATH", 9, template_code="OTHER"),
    ]
    brightspace_holds(pipeline, org_units=held)
    night = pipeline.night(files)
    copies = {row["org_unit_key"]: row["source_brightspace_id"] for row in pipeline.rows("delta.content_copies")}
    assert copies == {"course_offering:lit-1": 7, "course_offering:lit-2": 7}
    assert names(pipeline.issues(night, "content_copy.source_missing"), "sourced_id") == {"math-1"}


@pytest.mark.rule("CF-074")
def test_a_managed_sibling_counts_too(pipeline_with: Make, files: RosterFiles) -> None:
    pipeline = pipeline_with(**_copying("sibling"))
    files.class_("model", "lit", "elm", ["fall"], "CPLI1")
    pipeline.night(files)
    files.class_("lit-9", "lit", "elm", ["fall"], "CPLI1/009")
    pipeline.night(files)
    (copy,) = pipeline.rows("delta.content_copies")
    assert (copy["org_unit_key"], copy["source_code"]) == (
        "course_offering:lit-9",
        pipeline.mappings("course_offering")["model"]["code"],
    )


@pytest.mark.rule("CF-071", "CF-099")
def test_each_new_offering_is_asked_for_once_and_no_other(pipeline_with: Make, files: RosterFiles) -> None:
    pipeline = pipeline_with(
        courses={
            "content_copy": {"enabled": True, "from": "parent_template"},
            "link_existing": {"offerings": True},
        }
    )
    brightspace_holds(pipeline, org_units=[_offering("002", 9)])
    first = pipeline.night(files)
    files.change("courses", "lit", title="Literacy")
    updated = pipeline.night(files)
    assert updated.delta["org_units"]["update"] >= 2
    assert not pipeline.rows("delta.content_copies")
    pipeline.night(files)
    asked = pipeline.rows("sync.content_copies")
    # lit-2 was linked, so it has content of its own.
    assert [(row["org_unit_key"], row["state"], row["run_id"]) for row in asked] == [
        ("course_offering:lit-1", "waiting", first.run_id),
        ("course_offering:math-1", "waiting", first.run_id),
    ]

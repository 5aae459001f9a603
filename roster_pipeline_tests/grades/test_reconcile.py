"""What the SIS has otherwise than we sent it."""

from roster_pipeline.grades.reconcile import Reconciled, reconcile
from roster_pipeline.sandbox.objects import LineItem, Result
from roster_pipeline_tests.grades.school import CHANGED, School
from roster_pipeline_tests.pipeline import SOURCE, YEAR


def compare(school: School, *classes: str) -> Reconciled:
    pipeline = school.pipeline
    return reconcile(pipeline.warehouse, pipeline.home, SOURCE, YEAR, pipeline.settings, classes)


def test_edits_losses_and_strangers_are_told_apart(school: School) -> None:
    for item in ("i1", "i2", "i3"):
        school.teachers.item(item)
        school.teachers.score(item, "sam", "8", comment="Good")
    school.export()
    assert compare(school) == Reconciled(1, 6, {})
    ids = {row["local_id"]: row["sourced_id"] for row in school.pipeline.rows("grades.export_ledger", school_year=None)}
    district = school.sis.district
    district.change(LineItem, ids["i1"], title="Edited", result_value_max=12.0)
    district.change(Result, ids["i1|sam"], score=7.0)
    district.remove(Result, ids["i2|sam"])
    district.mark_deleted(Result, ids["i3|sam"])
    district.put(
        LineItem(
            sourced_id="theirs",
            date_last_modified=CHANGED,
            title="Born in the SIS",
            assign_date=CHANGED,
            due_date=CHANGED,
            class_sourced_id="lit",
            category_sourced_id="tests",
            grading_period_sourced_id="fall",
            result_value_min=0,
            result_value_max=5,
        )
    )
    found = compare(school, "lit")
    assert found.differences == {
        "line_item": {"edited_there": 1, "unknown_to_us": 1},
        "result": {"edited_there": 1, "missing_there": 2},
    }
    fields = {row["local_id"]: row["fields"] for row in school.pipeline.rows("grades.differences")}
    assert fields["i1"] == ["title", "max"]
    assert fields["i1|sam"] == ["score"]
    assert school.export().writes == 0, "looking changes nothing"
    assert list((school.pipeline.home.root / "exports").rglob("*.jsonl")) == []


def test_an_object_that_we_deleted_is_not_missed(school: School) -> None:
    school.teachers.item("i1")
    school.export()
    school.teachers.change_item("i1", is_deleted="true")
    school.export()
    assert compare(school).differences == {}

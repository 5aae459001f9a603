"""One export from the gradebook's files to the SIS, and what the next one does."""

from collections.abc import Callable
from pathlib import Path

import pytest

from roster_pipeline.grades.build import build_gradebook
from roster_pipeline.grades.connect import gradebook_folder, read_gradebook
from roster_pipeline.grades.gradebook import GradebookError
from roster_pipeline.grades.scope import ExportRequest
from roster_pipeline_tests.grades.school import School
from roster_pipeline_tests.pipeline import DAY, SOURCE, YEAR


def test_an_item_and_its_scores_go_once(school: School) -> None:
    school.teachers.item("i1", name="Unit 3 quiz")
    school.teachers.score("i1", "sam", "8")
    school.teachers.score("i1", "sue", "9.5", comment="Good")
    report = school.export()
    assert report.counts == {"line_item": {"sent": 1}, "result": {"sent": 2}}
    assert {student: result.score for student, result in school.results("Unit 3 quiz").items()} == {
        "sam": 8,
        "sue": 9.5,
    }
    assert school.export().writes == 0
    assert school.writes == []


def test_what_a_killed_reading_left_is_removed_and_the_rest_is_private(school: School) -> None:
    folder = gradebook_folder(school.pipeline.home, SOURCE, YEAR)
    stale = folder.parent / f".{folder.name}.killed"
    stale.mkdir(parents=True)
    (stale / "scores.parquet").write_bytes(b"marks")
    school.teachers.item("i1")
    school.export()
    assert not stale.exists()
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_row_that_does_not_fit_costs_only_itself(school: School) -> None:
    school.teachers.item("i1")
    school.teachers.score("i1", "sam", "8")
    school.teachers.score("i1", "sue", "9")
    files = school.pipeline.home.root / "gradebook"
    school.teachers.write(files)
    with (files / "scores.csv").open("a", encoding="utf-8") as file:
        file.write("i1,sam\n")
    reading = read_gradebook(school.pipeline.warehouse, school.pipeline.home, SOURCE, YEAR, school.pipeline.settings)
    assert [(row.file, row.why) for row in reading.unreadable] == [("scores", "missing columns")]
    with school.pipeline.warehouse.transaction(SOURCE, YEAR) as session:
        counts = build_gradebook(session, reading, school.pipeline.settings, ExportRequest("run", DAY))
    assert counts.rows["scores"] == 2
    (issue,) = school.pipeline.rows("sync.issues", "code = 'grade.row_unreadable'")
    assert "scores.csv" in issue["message"]


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda path: path.unlink(), "no such file"),
        (lambda path: path.write_text("item_id,name\n", "utf-8"), "the header lacks class_sourced_id"),
        (lambda path: path.write_bytes("item_id,naïve\n".encode("latin-1")), "not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_leaves_everything_as_it_was(
    school: School, spoil: Callable[[Path], object], told: str
) -> None:
    school.teachers.item("i1")
    school.export()
    spoil(school.pipeline.home.root / "gradebook" / "grade_items.csv")
    with pytest.raises(GradebookError, match=told):
        read_gradebook(school.pipeline.warehouse, school.pipeline.home, SOURCE, YEAR, school.pipeline.settings)
    assert len(school.pipeline.rows("grades.items")) == 1
    assert (gradebook_folder(school.pipeline.home, SOURCE, YEAR) / "grade_items.parquet").exists()

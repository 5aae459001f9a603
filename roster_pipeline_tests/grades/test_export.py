"""One export from the gradebook's files to the SIS, and what the next one does."""

from roster_pipeline_tests.grades.school import School


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

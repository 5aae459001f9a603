"""A row that Brightspace would refuse costs itself and what rests on it, and nothing else."""

from collections.abc import Callable

from roster_pipeline_tests.pipeline import Night, Pipeline
from roster_pipeline_tests.roster_files import RosterFiles

#: Longer than the 256 characters that Brightspace takes.
LONG = f"{'x' * 260}@example.org"


def _refused(pipeline: Pipeline, night: Night) -> set[tuple[str, str]]:
    return {(row["kind"], row["sourced_id"]) for row in pipeline.issues(night, "delivery.refused")}


def _children(night: Night, file: str = "Enrollments") -> set[str]:
    return {line["child_code"] for line in night.lines(file)}


def test_a_user_with_a_fault_stays_behind_with_enrollments_and_links(pipeline: Pipeline, files: RosterFiles) -> None:
    files.change("users", "sam", email=LONG)
    night = pipeline.night(files)
    assert {line["org_defined_id"] for line in night.lines("Users")} == {"id-sue", "id-pat", "tina", "gus"}
    assert "id-sam" not in _children(night)
    assert {"sue", "pat", "tina", "gus"} == set(pipeline.mappings("user"))
    assert not [key for key in pipeline.mappings("enrollment") if key.startswith("sam|")]
    assert not pipeline.mappings("relationship")
    refused = _refused(pipeline, night)
    assert ("user", "sam") in refused
    assert ("relationship", "sam|gus") in refused
    assert ("enrollment", "sam|section:lit-1") in refused
    assert ("enrollment", "sam|course_offering:lit-1") in refused
    assert all("sam" in sourced_id for _, sourced_id in refused)


def test_what_was_left_out_comes_when_it_is_right(pipeline: Pipeline, files: RosterFiles) -> None:
    files.change("users", "sam", email=LONG)
    pipeline.night(files)
    again = pipeline.night(files)
    assert again.bundle is None, "there is nothing new but what is refused again"
    assert ("user", "sam") in _refused(pipeline, again)
    files.change("users", "sam", email="sam@example.org")
    night = pipeline.night(files)
    (line,) = night.lines("Users")
    assert (line["org_defined_id"], line["relationships"]) == ("id-sam", "Parent:gus")
    assert _children(night) == {"id-sam"}
    assert not pipeline.issues(night, "delivery.refused")
    assert pipeline.mappings("relationship").keys() == {"sam|gus"}
    assert pipeline.night(files).bundle is None


def test_what_is_no_longer_due_is_no_longer_refused(delivered: Pipeline, files: RosterFiles) -> None:
    files.user("nia", "student", ["oak"], email=LONG)
    delivered.night(files)
    assert [row["fault"] for row in delivered.rows("sync.refused", "kind = 'user'")] == ["too_long"]
    files.remove("users", "nia")
    delivered.night(files)
    assert not delivered.rows("sync.refused")


def test_a_guardian_with_a_fault_does_not_cost_the_student(pipeline: Pipeline, files: RosterFiles) -> None:
    files.change("users", "gus", email=LONG)
    night = pipeline.night(files)
    (line,) = [line for line in night.lines("Users") if line["org_defined_id"] == "id-sam"]
    assert line["relationships"] == ""
    assert _refused(pipeline, night) >= {("user", "gus"), ("relationship", "sam|gus")}
    assert "sam" in pipeline.mappings("user")


def test_a_change_with_a_fault_leaves_the_user_as_delivered_and_enrolled(
    delivered: Pipeline, files: RosterFiles
) -> None:
    files.change("users", "sue", email=LONG)
    files.enroll("sue", "math-1")
    night = delivered.night(files)
    assert not night.lines("Users")
    assert _children(night) == {"id-sue"}, "the account is there, so the enrollment goes"
    assert _refused(delivered, night) == {("user", "sue")}
    assert delivered.mappings("user")["sue"]["fields"]["email"] == "sue@example.org"


def test_an_org_unit_with_a_fault_stays_behind_with_all_below_it(
    pipeline_with: Callable[..., Pipeline], files: RosterFiles
) -> None:
    types = {"district": "District", "school": 'Sch"ool'}
    pipeline = pipeline_with(courses={"org_types": types})
    night = pipeline.night(files)
    assert not pipeline.mappings("school")
    assert not pipeline.mappings("course_offering"), "offerings hang below their school"
    assert not pipeline.mappings("section")
    assert pipeline.mappings("district")
    assert len(pipeline.mappings("user")) == 5
    assert not night.lines("Sections")
    assert ("section", "lit-1") in _refused(pipeline, night)
    (message,) = {row["message"] for row in pipeline.issues(night) if row["sourced_id"] == "elm"}
    assert "type: forbidden character" in message


def test_messages_hold_no_name(pipeline: Pipeline, files: RosterFiles) -> None:
    files.change("users", "sam", email=LONG)
    told = str([row["message"] for row in pipeline.issues(pipeline.night(files), "delivery.refused")])
    assert "Family" not in told
    assert "xxx" not in told

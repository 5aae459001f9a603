"""Whatever teachers, the SIS and the machine do: in the end the SIS has what may go, each change written once."""

import shutil
import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roster_pipeline.oneroster import gradebook_client
from roster_pipeline.sandbox.objects import LineItem, Result
from roster_pipeline.sandbox.sis.faults.setup import CategoryOptional
from roster_pipeline.sandbox.sis.faults.writes import PutRefusedForStudent, WriteAnswerLost
from roster_pipeline.sandbox.sis_server import SandboxSis
from roster_pipeline_tests.grades.kill import Killed, killed_after
from roster_pipeline_tests.grades.school import School, small_district

ITEMS = ["i1", "i2"]
STUDENTS = ["sam", "sue"]

edit = st.one_of(
    st.tuples(
        st.just("item"),
        st.sampled_from(ITEMS),
        st.sampled_from(
            [
                {"name": "Other"},
                {"max_points": "20"},
                {"is_deleted": "true"},
                {"is_deleted": "false"},
                {"academic_session_id": None},
                {"academic_session_id": "fall"},
                {"category_id": "own"},
                {"category_id": "hw"},
            ]
        ),
    ),
    st.tuples(
        st.just("score"),
        st.tuples(st.sampled_from(ITEMS), st.sampled_from(STUDENTS)),
        st.sampled_from(
            [
                {"points": "5"},
                {"points": "6"},
                {"points": None},
                {"is_exempt": "true"},
                {"is_exempt": "false"},
                {"is_deleted": "true"},
                {"is_deleted": "false"},
            ]
        ),
    ),
)
night = st.tuples(
    st.lists(edit, max_size=4),
    st.sampled_from([None, None, "refused", "lost", "killed"]),
    st.integers(0, 5),
)


def run_night(school: School, trouble: str | None, after: int) -> None:
    """One export in which something goes wrong."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gradebook_client, "WRITE_ATTEMPTS", 1)
        if trouble == "refused":
            school.sis.switch_on(PutRefusedForStudent("sam"))
        elif trouble == "lost":
            school.sis.switch_on(WriteAnswerLost())
        try:
            with killed_after(after) if trouble == "killed" else nullcontext():
                school.export()
        except Killed:
            pass
        finally:
            for fault in school.sis.service.faults:
                if isinstance(fault, PutRefusedForStudent | WriteAnswerLost):
                    school.sis.switch_off(fault)


def there(school: School) -> dict[str, Any]:
    """What the SIS has of the items that may go."""
    ids = {row["sourced_id"]: row for row in school.pipeline.rows("grades.export_ledger", school_year=None)}
    found: dict[str, Any] = {}
    for item in school.sis.district.all(LineItem).values():
        found[ids[item.sourced_id]["item_id"]] = (item.title, item.result_value_max), {}
    for result in school.sis.district.all(Result).values():
        row = ids[result.sourced_id]
        found[row["item_id"]][1][row["student_sourced_id"]] = (result.score, result.score_status)
    return found


@pytest.mark.rule("SK-080", "SK-083", "SK-086", "SK-087", "SK-101", "CF-106")
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(nights=st.lists(night, min_size=1, max_size=4))
def test_any_history_ends_in_the_eligible_state(loaded_home: Path, nights: list[Any]) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        SandboxSis(small_district()) as sis,
        pytest.MonkeyPatch.context() as environment,
    ):
        environment.setenv("SIS_SECRET", sis.client_secret)
        sis.switch_on(CategoryOptional())
        shutil.copytree(loaded_home, Path(folder) / "home")
        school = School(Path(folder) / "home", sis)
        for item in ITEMS:
            school.teachers.item(item)
            for student in STUDENTS:
                school.teachers.score(item, student, "4")
        for edits, trouble, after in nights:
            for what, key, values in edits:
                if what == "item":
                    school.teachers.change_item(key, **values)
                else:
                    school.teachers.change_score(*key, **values)
            run_night(school, trouble, after)
        school.export()
        now, wanted = there(school), school.teachers.wanted()
        for item_id, content in wanted.items():
            assert now[item_id] == content
        # What stopped going is left as it was; what was deleted is gone.
        for item_id in now:
            item = school.teachers.items[item_id]
            stopped = not item["academic_session_id"] or item["category_id"] != "hw"
            assert item_id in wanted or stopped
        assert school.export().writes == 0
        assert school.writes == []

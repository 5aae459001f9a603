"""Exports as people and the schedule start them: the command line over the Dagster jobs, in one process."""

from collections.abc import Callable
from typing import Any

import dagster as dg
import orjson
import pytest
from click.testing import CliRunner

from roster_pipeline.assets.grade_export import TABLES
from roster_pipeline.assets.gradebook import TABLES as GRADEBOOK_TABLES
from roster_pipeline.cli import main
from roster_pipeline.definitions import build_definitions
from roster_pipeline.sandbox.objects import Result
from roster_pipeline_tests.grades.school import School
from roster_pipeline_tests.pipeline import SOURCE

DAY = ["--school-year", "2026-2027", "--as-of", "2026-11-23"]


@pytest.fixture
def school(school_with: Callable[..., School], monkeypatch: pytest.MonkeyPatch) -> School:
    """A school with one graded item and one teacher who may export."""
    school = school_with(daily=True, allowed_users=["tina"])
    monkeypatch.setenv("ROSTER_HOME", str(school.pipeline.home.root))
    school.teachers.item("i1")
    school.teachers.score("i1", "sam", "8")
    school.teachers.write(school.pipeline.home.root / "gradebook")
    return school


def roster(*arguments: str) -> tuple[int, dict[str, Any]]:
    """A `roster` command with --json: its exit code and what it printed."""
    result = CliRunner().invoke(main, [*arguments, "--json"])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, orjson.loads(result.stdout)


@pytest.mark.rule("CF-105", "CF-108", "SK-090", "SK-125", "IC-083", "IC-116", "OT-003")
def test_the_night_exports_after_the_roster_where_daily_is_on(school: School) -> None:
    def assets() -> set[str]:
        job = build_definitions(school.pipeline.home).resolve_job_def(f"{SOURCE}__nightly")
        return {"/".join(key.path[1:]) for key in job.asset_layer.selected_asset_keys}

    assert "grades/export_ledger" in assets()
    school.configure(daily=False)
    assert "grades/export_ledger" not in assets()
    school.configure(daily=True, enabled=False)
    assert "grades/export_ledger" not in assets()
    school.configure(daily=True)
    code, report = roster("sync", SOURCE, *DAY)
    assert (code, report["grades"]["lines"]) == (0, {"line_item": {"sent": 1}, "result": {"sent": 1}})
    assert set(school.results("Item i1")) == {"sam"}


@pytest.mark.rule("SK-109", "IC-102")
def test_only_who_asks_for_another_school_year_sends_its_grades(school: School) -> None:
    later = ["--school-year", "2026-2027", "--as-of", "2027-08-20"]
    code, night = roster("sync", SOURCE, *later)
    assert code == 0
    assert "the school year is 2027-2028" in night["grades"]["left_out"]
    code, refused = roster("export-grades", SOURCE, *later, "--nightly")
    assert (code, refused["status"]) == (1, "refused")
    assert "without --nightly" in refused["error"]
    assert school.line_items == {}
    code, done = roster("export-grades", SOURCE, *later)
    assert (code, done["scores"]) == (0, 1)
    assert set(school.results("Item i1")) == {"sam"}


@pytest.mark.rule("SK-109", "IC-102")
@pytest.mark.parametrize(("day", "sent"), [("2026-11-23", True), ("2027-08-20", False)])
def test_a_backfill_sends_grades_of_the_current_school_year_only(school: School, day: str, sent: bool) -> None:
    everything = build_definitions(school.pipeline.home).resolve_implicit_global_asset_job_def()
    result = everything.execute_in_process(
        partition_key="2026-2027",
        asset_selection=[dg.AssetKey([SOURCE, "grades", table]) for table in (*GRADEBOOK_TABLES, *TABLES)],
        tags={"dagster/backfill": "backfill"},
        run_config={"resources": {"sync_run": {"config": {"as_of": day}}}},
    )
    assert result.success
    assert bool(school.line_items) == sent


@pytest.mark.rule("SK-129", "IC-120")
def test_a_teacher_exports_previews_and_finds_it_in_the_history(school: School) -> None:
    asked = ["export-grades", SOURCE, *DAY, "--class", "lit", "--requested-by", "tina"]
    code, preview = roster(*asked, "--dry-run")
    assert (code, preview["outcome"], preview["status"]) == (0, "dry_run", "dry_run")
    assert school.line_items == {}
    code, done = roster(*asked)
    assert (code, done["status"], done["scores"], done["students"]) == (0, "done", 1, 1)
    code, refused = roster(*asked[:-1], "tom")
    assert (code, refused["status"]) == (1, "refused")
    assert "allowed_users" in refused["error"]
    _, told = roster("export-history", SOURCE, "--school-year", "2026-2027")
    assert [run["requested_by"] for run in told["exports"]] == ["tom", "tina", "tina"]
    assert roster("export-history", SOURCE, "--school-year", "2026-2027", "--run", done["run_id"])[1]["scores"] == 1


@pytest.mark.rule("SK-116")
@pytest.mark.usefixtures("school")
def test_categories_come_on_demand() -> None:
    code, report = roster("sync-categories", SOURCE, "--school-year", "2026-2027", "--class", "lit")
    assert code == 0
    assert [synced["added"] for synced in report["categories"]] == [["Tests"]]
    code, report = roster("sync-categories", SOURCE, "--school-year", "2026-2027", "--class", "by-hand")
    assert code == 1
    assert "by-hand" in report["error"]


def test_a_gradebook_that_is_missing_fails_the_run_with_its_remedy(school: School) -> None:
    (school.pipeline.home.root / "gradebook" / "scores.csv").unlink()
    code, report = roster("export-grades", SOURCE, *DAY)
    assert (code, report["status"]) == (1, "failed")
    assert "scores.csv" in report["error"]
    assert "grade_export.gradebook.path" in report["error"]


def test_grades_are_read_back_on_demand(school: School) -> None:
    roster("export-grades", SOURCE, *DAY)
    code, found = roster("reconcile-grades", SOURCE, "--school-year", "2026-2027")
    assert (code, found["read"], found["differences"]) == (0, 2, {})
    school.sis.district.remove(Result, next(iter(school.sis.district.all(Result))))
    code, found = roster("reconcile-grades", SOURCE, "--school-year", "2026-2027", "--class", "lit")
    assert found["differences"] == {"result": {"missing_there": 1}}

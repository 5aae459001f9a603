"""Runs: by schedule and by hand, who may start one, and what is on record of it."""

import logging
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from roster_pipeline.definitions import build_definitions
from roster_pipeline.home import Home
from roster_pipeline.launch import RunReport, run_job
from roster_pipeline.settings import SettingsError
from roster_pipeline_tests.pipeline import SOURCE, YEAR, Pipeline
from roster_pipeline_tests.roster_files import RosterFiles
from roster_pipeline_tests.source_files import REST


@pytest.fixture
def in_home(pipeline: Pipeline, files: RosterFiles, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """A pipeline that Dagster's jobs find, with a feed to read."""
    monkeypatch.setenv("ROSTER_HOME", str(pipeline.home.root))
    monkeypatch.setenv("DAGSTER_HOME", str(pipeline.home.root / "dagster"))
    monkeypatch.setattr(logging.getLogger("dagster"), "level", logging.WARNING)
    files.write(pipeline.home.root / "feed")
    return pipeline


def _run(pipeline: Pipeline, job: str = "roster_sync", **config: Any) -> RunReport:
    return run_job(pipeline.home, SOURCE, job, YEAR, config={"as_of": "2026-11-23", **config})


def _state(pipeline: Pipeline) -> set[tuple[str, str, str]]:
    return {
        (row["kind"], row["sourced_id"], str(sorted(row["fields"].items(), key=str)))
        for row in pipeline.rows("sync.mappings")
    }


def _schedules(home: Home) -> dict[str, dg.ScheduleDefinition]:
    schedules = build_definitions(home).schedules or []
    return {schedule.name: schedule for schedule in schedules if isinstance(schedule, dg.ScheduleDefinition)}


@pytest.mark.rule("SK-103", "IC-096", "CF-011")
@pytest.mark.parametrize("profile", ["skyward", "infinite_campus"])
def test_a_rest_source_runs_once_a_day_at_its_time_and_zone(pipeline: Pipeline, profile: str) -> None:
    pipeline.configure(
        profile=profile, connection=REST, timezone="America/Chicago", schedule={"enabled": True, "time": "03:45"}
    )
    schedule = _schedules(pipeline.home)[f"{SOURCE}__nightly"]
    assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING
    assert schedule.execution_timezone == "America/Chicago"
    # One tick a day.
    assert schedule.cron_schedule == "45 3 * * *"
    assert schedule.job_name == f"{SOURCE}__nightly"


@pytest.mark.rule("CF-011")
def test_a_source_whose_files_arrive_has_a_sensor_instead(pipeline: Pipeline) -> None:
    assert not _schedules(pipeline.home)
    sensors = build_definitions(pipeline.home).sensors or []
    assert [sensor.name for sensor in sensors if sensor.name.startswith(SOURCE)]
    pipeline.configure(connection=REST)
    assert not build_definitions(pipeline.home).sensors


@pytest.mark.rule("CF-011")
def test_a_schedule_that_is_switched_off_does_not_run(pipeline: Pipeline) -> None:
    pipeline.configure(connection=REST, schedule={"enabled": False})
    schedule = _schedules(pipeline.home)[f"{SOURCE}__nightly"]
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED


@pytest.mark.parametrize(
    ("day", "school_year"), [((2026, 11, 23), "2026-2027"), ((2027, 6, 30), "2026-2027"), ((2027, 7, 1), "2027-2028")]
)
def test_a_scheduled_run_is_for_the_school_year_of_the_day(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, day: tuple[int, int, int], school_year: str
) -> None:
    monkeypatch.setenv("ROSTER_HOME", str(pipeline.home.root))
    pipeline.configure(connection=REST, timezone="America/Chicago")
    schedule = _schedules(pipeline.home)[f"{SOURCE}__nightly"]
    moment = datetime(*day, 2, 0, tzinfo=ZoneInfo("America/Chicago"))
    repository = build_definitions(pipeline.home).get_repository_def()
    with (
        dg.DagsterInstance.local_temp() as instance,
        dg.build_schedule_context(instance, moment, repository_def=repository) as context,
    ):
        (request,) = schedule.evaluate_tick(context).run_requests or []
    assert request.partition_key == school_year


def test_a_district_says_when_the_next_school_year_counts(pipeline: Pipeline) -> None:
    pipeline.configure(schedule={"rollover": "08-10"})
    settings = pipeline.settings
    assert settings.school_year_of(date(2027, 8, 9)) == "2026-2027"
    assert settings.school_year_of(date(2027, 8, 10)) == "2027-2028"
    pipeline.configure(schedule={"rollover": "08-32"})
    with pytest.raises(SettingsError, match=r"schedule\.rollover: '08-32': must be a month and a day"):
        _ = pipeline.settings


@pytest.mark.rule("SK-002", "IC-002", "SK-104", "IC-097", "CF-034")
def test_by_schedule_and_by_hand_the_same_is_done(
    in_home: Pipeline, tmp_path: Path, files: RosterFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.user("abe", "aide", ["elm"])
    files.write(in_home.home.root / "feed")
    by_hand = _run(in_home, requested_by="alice")
    assert by_hand.outcome == "success"
    assert by_hand.counts["issues"]["error"] == 1
    (record,) = in_home.rows("sync.runs")
    assert (record["trigger"], record["requested_by"], record["status"]) == ("on_demand", "alice", "success")

    scheduled = Pipeline(tmp_path / "other")
    files.write(scheduled.home.root / "feed")
    monkeypatch.setenv("ROSTER_HOME", str(scheduled.home.root))
    job = build_definitions(scheduled.home).resolve_job_def(f"{SOURCE}__nightly")
    with dg.DagsterInstance.local_temp() as instance:
        result = job.execute_in_process(
            instance=instance,
            partition_key=YEAR,
            tags={"dagster/schedule_name": f"{SOURCE}__nightly"},
            run_config={
                "resources": {"sync_run": {"config": {"as_of": "2026-11-23"}}},
                "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
            },
        )
    assert result.success
    assert [row["trigger"] for row in scheduled.rows("sync.runs")] == ["schedule"]
    assert _state(scheduled) == _state(in_home)


@pytest.mark.rule("SK-105", "SK-106", "IC-098", "IC-099")
@pytest.mark.parametrize("who", ["mallory", None])
def test_who_is_not_among_the_operators_is_refused_and_put_on_record(in_home: Pipeline, who: str | None) -> None:
    in_home.configure(operators=["alice"])
    assert not in_home.settings.may_run(who)
    report = _run(in_home, requested_by=who)
    assert report.outcome == "refused"
    assert report.error is not None
    assert "may not start a run of maple" in report.error
    (entry,) = in_home.rows("sync.audit_log")
    assert (entry["kind"], entry["action"], entry["outcome"], entry["run_id"]) == (
        "run",
        "start",
        "refused",
        report.run_id,
    )
    assert not in_home.rows("roster.users")
    assert not list(in_home.home.root.glob("outbox/**/*.zip"))


@pytest.mark.rule("SK-104", "SK-106", "IC-097", "IC-099")
def test_an_operator_may_run(in_home: Pipeline) -> None:
    in_home.configure(operators=["alice"])
    assert in_home.settings.may_run("alice")
    report = _run(in_home, requested_by="alice")
    assert report.outcome == "success"
    assert [row["requested_by"] for row in in_home.rows("sync.runs")] == ["alice"]


def test_without_operators_anyone_on_the_machine_may_run(pipeline: Pipeline) -> None:
    assert pipeline.settings.may_run("anyone")
    assert pipeline.settings.may_run(None)

"""What Dagster is told: assets, jobs, schedule and sensor of every source."""

import uuid
from collections.abc import Generator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
import yaml

from roster_pipeline.assets.arrival import PACKAGE_TAG, TRIES, newest_package
from roster_pipeline.definitions import build_definitions
from roster_pipeline.home import Home
from roster_pipeline.sandbox.sftp_server import SandboxSftp
from roster_pipeline.settings import load_source
from roster_pipeline_tests.source_files import REST


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    home = Home(tmp_path / "home")
    home.sources.mkdir(parents=True)
    monkeypatch.setenv("ROSTER_HOME", str(home.root))
    return home


@pytest.fixture
def instance(tmp_path: Path) -> Generator[dg.DagsterInstance]:
    # A schedule finds its instance by a reference, which only one on disk has.
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        yield instance


def _write(home: Home, source_id: str, **settings: Any) -> None:
    content = {"name": source_id, "profile": "skyward", "timezone": "America/Chicago", **settings}
    (home.sources / f"{source_id}.yaml").write_text(yaml.safe_dump(content), "utf-8")


def test_asset_keys_are_source_layer_and_table(home: Home) -> None:
    _write(home, "oak", connection=REST)
    definitions = build_definitions(home)
    dg.Definitions.validate_loadable(definitions)
    keys = {tuple(key.path) for key in definitions.resolve_asset_graph().get_all_asset_keys()}
    assert {("oak", "raw", "academic_sessions"), ("oak", "roster", "users")} <= keys
    assert {("oak", "brightspace", "org_units"), ("oak", "delta", "enrollments")} <= keys


def test_definitions_load_where_the_secrets_are_not(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SIS_SECRET", raising=False)
    _write(home, "oak", connection=REST)
    assert build_definitions(home).resolve_job_def("oak__nightly").name == "oak__nightly"


def test_a_wrong_source_file_does_not_keep_the_others_from_running(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    _write(home, "oak", connection=REST)
    _write(home, "elm", connection=REST, peple={})
    definitions = build_definitions(home)
    assert {job.name for job in definitions.resolve_all_job_defs() if not job.name.startswith("__")} >= {"oak__nightly"}
    assert "peple" in caplog.text


def test_a_rest_source_runs_daily_at_its_own_time_and_zone(home: Home, instance: dg.DagsterInstance) -> None:
    _write(home, "oak", connection=REST, schedule={"time": "03:15"})
    repository = build_definitions(home).get_repository_def()
    schedule = repository.get_schedule_def("oak__nightly")
    assert schedule.cron_schedule == "15 3 * * *"
    assert schedule.execution_timezone == "America/Chicago"
    zone = ZoneInfo("America/Chicago")
    for month, day, school_year in ((6, 30, "2025-2026"), (7, 1, "2026-2027")):
        tick = datetime(2026, month, day, 3, 15, tzinfo=zone)
        with dg.build_schedule_context(instance, tick, repository_def=repository) as context:
            (request,) = schedule.evaluate_tick(context).run_requests or []
        assert request.partition_key == school_year


class TestArrival:
    """The sensor of an SFTP source, against a real SSH server."""

    @pytest.fixture
    def sftp(self, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Path]:
        folder = tmp_path / "server"
        folder.mkdir()
        with SandboxSftp(folder) as server:
            monkeypatch.setenv("OAK_PASSWORD", server.password)
            connection = {
                "kind": "sftp",
                "host": server.host,
                "port": server.port,
                "username": server.username,
                "password": "${OAK_PASSWORD}",
                "host_key": server.host_key,
            }
            _write(home, "oak", connection=connection)
            yield folder

    def _tick(self, home: Home, instance: dg.DagsterInstance) -> dg.RunRequest | dg.SkipReason:
        (sensor,) = build_definitions(home).sensors or []
        with dg.build_sensor_context(instance) as context:
            answer = sensor(context)
        assert isinstance(answer, dg.RunRequest | dg.SkipReason)
        return answer

    def test_each_new_zip_is_one_run(self, home: Home, instance: dg.DagsterInstance, sftp: Path) -> None:
        assert isinstance(self._tick(home, instance), dg.SkipReason)
        (sftp / "roster-20261101.zip.filepart").write_bytes(b"under way")
        assert isinstance(self._tick(home, instance), dg.SkipReason)

        (sftp / "roster-20261101.zip").write_bytes(b"first")
        first = self._tick(home, instance)
        assert isinstance(first, dg.RunRequest)
        _record(instance, first, dg.DagsterRunStatus.SUCCESS)
        assert isinstance(self._tick(home, instance), dg.SkipReason)

        (sftp / "roster-20261102.zip").write_bytes(b"second")
        second = self._tick(home, instance)
        assert isinstance(second, dg.RunRequest)
        assert second.run_key != first.run_key

    def test_a_failed_run_is_repeated_a_few_times(self, home: Home, instance: dg.DagsterInstance, sftp: Path) -> None:
        (sftp / "roster-20261101.zip").write_bytes(b"first")
        for _ in range(TRIES):
            request = self._tick(home, instance)
            assert isinstance(request, dg.RunRequest)
            _record(instance, request, dg.DagsterRunStatus.FAILURE)
        assert isinstance(self._tick(home, instance), dg.SkipReason)


def _record(instance: dg.DagsterInstance, request: dg.RunRequest, status: dg.DagsterRunStatus) -> None:
    instance.add_run(
        dg.DagsterRun(job_name="oak__nightly", run_id=str(uuid.uuid4()), tags=dict(request.tags), status=status)
    )
    assert PACKAGE_TAG in request.tags


def test_a_folder_is_new_when_one_of_its_files_is(home: Home) -> None:
    _write(home, "oak", connection={"kind": "folder", "path": "feed"})
    settings = load_source(home.sources, "oak").settings
    assert newest_package(settings, home) is None
    (home.root / "feed").mkdir()
    (home.root / "feed" / "users.csv").write_text("a")
    first = newest_package(settings, home)
    (home.root / "feed" / "users.csv").write_text("ab")
    assert newest_package(settings, home) != first

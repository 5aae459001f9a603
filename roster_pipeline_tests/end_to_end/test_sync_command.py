"""`roster sync` from outside: what it prints, how it exits, and what a failed run leaves untouched."""

import json
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from click.testing import CliRunner, Result

from roster_pipeline.cli import main
from roster_pipeline.home import Home
from roster_pipeline.sandbox.playground import EXAMPLE, playground
from roster_pipeline.sandbox.sis.faults import parse_fault
from roster_pipeline_tests.pipeline import SOURCE, YEAR
from roster_pipeline_tests.roster_files import RosterFiles

Roster = Callable[..., Result]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: RosterFiles) -> Home:
    """A home with one district that reads a folder."""
    home = Home(tmp_path / "home")
    home.sources.mkdir(parents=True)
    monkeypatch.setenv("ROSTER_HOME", str(home.root))
    _configure(home)
    files.write(home.root / "feed")
    return home


@pytest.fixture
def roster() -> Roster:
    """Runs the `roster` command."""

    def run(*arguments: str) -> Result:
        result = CliRunner().invoke(main, list(arguments))
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


def _configure(home: Home, **settings: Any) -> None:
    content = {"name": "Maple USD", "profile": "skyward", "connection": {"kind": "folder", "path": "feed"}, **settings}
    (home.sources / f"{SOURCE}.yaml").write_text(yaml.safe_dump(content), "utf-8")


def _sync(roster: Roster, *options: str) -> tuple[int, dict[str, Any]]:
    result = roster("sync", SOURCE, "--school-year", YEAR, "--json", *options)
    return result.exit_code, json.loads(result.stdout)


def _published(home: Home, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(home.warehouse / "roster.duckdb"), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_the_report_counts_what_the_tables_hold(home: Home, roster: Roster) -> None:
    code, report = _sync(roster)
    assert code == 0
    assert report["school_year"] == YEAR
    assert report["extracted"]["users"] == 5
    assert report["delta"]["users"] == {"create": 5}
    assert report["delivered"]["rows"]["Users"] == 5
    assert Path(report["delivered"]["bundle"]).exists()
    assert _published(home, "SELECT count(*) FROM brightspace.users") == [(5,)]
    assert _published(home, "SELECT run_id, trigger, status FROM sync.runs") == [
        (report["run_id"], "on_demand", "success")
    ]


def test_an_unchanged_second_night_sends_nothing(home: Home, roster: Roster) -> None:
    _sync(roster)
    code, report = _sync(roster)
    assert code == 0
    assert set(report["delta"]) >= {"org_units", "users", "relationships", "enrollments"}
    assert not any(report["delta"].values())
    assert len(list(home.outbox(SOURCE).glob("*.zip"))) == 1


def test_a_dry_run_prints_org_units_by_name_and_delivers_nothing(home: Home, roster: Roster) -> None:
    result = roster("sync", SOURCE, "--school-year", YEAR, "--dry-run")
    assert result.exit_code == 0
    assert "Computer Literacy Grade 1-CPLI1/001" in result.stdout
    assert "Family sam" not in result.stdout
    assert not home.outbox(SOURCE).exists()


def test_too_many_removals_are_held_and_only_that_delta_is_let_through(
    home: Home, roster: Roster, files: RosterFiles
) -> None:
    _configure(home, safety={"ignore_below": 1})
    _sync(roster)
    for name in ("e-sam-lit-1", "e-sue-lit-1"):
        files.remove("enrollments", name)
    files.write(home.root / "feed")

    code, report = _sync(roster)
    assert code == 3
    assert "enrollments" in report["held"]["why"]
    assert _published(home, "SELECT count(*) FROM delta.enrollments WHERE action = 'delete'") == [(4,)]
    assert len(list(home.outbox(SOURCE).glob("*.zip"))) == 1

    # To look at Brightspace is not to look at the delta.
    assert roster("drift", SOURCE, "--school-year", YEAR).exit_code == 0
    files.remove("enrollments", "e-pat-lit-2")
    files.write(home.root / "feed")
    code, report = _sync(roster, "--accept-changes")
    assert code == 3, "a delta that nobody has looked at must not pass"

    code, report = _sync(roster, "--accept-changes")
    assert code == 0
    assert report["delivered"]["rows"] == {"Enrollments": 3}


def test_an_emptied_resource_is_held_until_it_is_accepted(home: Home, roster: Roster, files: RosterFiles) -> None:
    _configure(home, safety={"ignore_below": 5})
    _sync(roster)
    files.rows["users"].clear()
    files.rows["enrollments"].clear()
    files.write(home.root / "feed")
    code, report = _sync(roster)
    assert code == 3
    assert "no users at all; the last one that was delivered from held 5" in report["held"]["why"]
    assert len(report["held"]["largest_groups"]) <= 10
    code, report = _sync(roster, "--accept-changes")
    assert code == 0
    assert _sync(roster)[0] == 0, "what was accepted is not asked again"


def _without_manifest(folder: Path) -> None:
    (folder / "manifest.csv").unlink()


def _with_a_wrong_header(folder: Path) -> None:
    users = folder / "users.csv"
    users.write_text(users.read_text("utf-8").replace("familyName", "surname", 1), "utf-8")


def _with_another_version(folder: Path) -> None:
    manifest = folder / "manifest.csv"
    manifest.write_text(manifest.read_text("utf-8").replace("oneroster.version,1.1", "oneroster.version,1.2"), "utf-8")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (_without_manifest, "manifest.csv"),
        (_with_a_wrong_header, "familyName"),
        (_with_another_version, "1.2"),
    ],
)
def test_a_broken_package_fails_the_run_and_nothing_else(
    home: Home, roster: Roster, spoil: Callable[[Path], None], told: str
) -> None:
    _sync(roster)
    before = _published(home, "SELECT * FROM sync.mappings ORDER BY ALL")
    spoil(home.root / "feed")
    code, report = _sync(roster)
    assert code == 1
    assert told in report["error"]
    assert _published(home, "SELECT * FROM sync.mappings ORDER BY ALL") == before
    assert len(list(home.outbox(SOURCE).glob("*.zip"))) == 1


def test_a_truncated_zip_fails_the_run(home: Home, roster: Roster, files: RosterFiles) -> None:
    _configure(home, connection={"kind": "folder", "path": "roster.zip"})
    package = home.root / "roster.zip"
    with zipfile.ZipFile(package, "w") as archive:
        for path in files.write(home.root / "feed").glob("*.csv"):
            archive.write(path, path.name)
    package.write_bytes(package.read_bytes()[:-200])
    code, report = _sync(roster)
    assert code == 1
    assert "roster.zip" in report["error"]


def test_an_unknown_key_is_a_configuration_mistake(home: Home, roster: Roster) -> None:
    _configure(home, peple={})
    result = roster("sync", SOURCE, "--school-year", YEAR)
    assert result.exit_code == 2
    assert "peple" in result.stderr
    assert "did you mean people?" in result.stderr.replace("\n", " ")


@pytest.mark.parametrize("arguments", [["sync", "nobody"], ["sync", SOURCE, "--school-year", "2026"]])
def test_wrong_usage_exits_with_two(home: Home, roster: Roster, arguments: list[str]) -> None:
    assert home.sources.exists()
    assert roster(*arguments).exit_code == 2


def test_a_school_year_without_sessions_fails_and_names_those_there_are(home: Home, roster: Roster) -> None:
    result = roster("sync", SOURCE, "--school-year", "2020-2021", "--json")
    assert home.sources.exists()
    assert result.exit_code == 1
    assert "2026-2027" in json.loads(result.stdout)["error"]


class TestOverRest:
    """The sandbox's SIS, and what goes wrong with it."""

    DAY = date(2026, 11, 23)

    @pytest.fixture(autouse=True)
    def _example_only(self, home: Home) -> None:
        (home.sources / f"{EXAMPLE}.yaml").unlink()

    def _sync(self, roster: Roster) -> tuple[int, dict[str, Any]]:
        result = roster("sync", EXAMPLE, "--school-year", YEAR, "--json")
        return result.exit_code, json.loads(result.stdout)

    def test_a_wrong_secret_fails_with_its_cause(
        self, home: Home, roster: Roster, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with playground(home, students=130, today=self.DAY):
            monkeypatch.setenv("SANDBOX_SIS_CLIENT_SECRET", "wrong-secret-of-the-test")
            code, report = self._sync(roster)
        assert code == 1
        assert "client" in report["error"].lower()
        assert "wrong-secret-of-the-test" not in json.dumps(report)

    def test_a_server_that_stops_midway_changes_nothing(self, home: Home, roster: Roster) -> None:
        with playground(home, students=130, today=self.DAY) as sis:
            code, _ = self._sync(roster)
            assert code == 0
            before = _published(home, "SELECT * FROM sync.mappings ORDER BY ALL")
            sis.switch_on(parse_fault("stops_mid_way:resource=enrollments"))
            code, report = self._sync(roster)
        assert code == 1
        assert "enrollments" in report["error"]
        assert _published(home, "SELECT * FROM sync.mappings ORDER BY ALL") == before
        snapshots = list(home.raw(EXAMPLE, YEAR).iterdir())
        assert len(snapshots) == 1, "the broken extract must leave nothing behind"

"""The drift report: a district is delivered, somebody changes the tenant by hand, and exactly that is told."""

import json
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
from click.testing import CliRunner

from roster_pipeline.cli import main
from roster_pipeline.sandbox.brightspace.faults import HiddenRows
from roster_pipeline.sandbox.brightspace_server import SandboxBrightspace
from roster_pipeline.sandbox.csv_bundle import write_csv_bundle
from roster_pipeline.sandbox.generator import make_district
from roster_pipeline.sandbox.ipsis import Ipsis
from roster_pipeline.tenant.drift import Drift, DriftError, find_drift
from roster_pipeline_tests.pipeline import SOURCE, YEAR, Pipeline
from roster_pipeline_tests.roster_files import RosterFiles, maple
from roster_pipeline_tests.rules.existing import brightspace_holds, tenant_section
from roster_pipeline_tests.sandbox_brightspace.client import Client

Found = set[tuple[str, str | None, str, str | None]]


class District:
    """A district whose roster is in a tenant, by one route, and is looked at by one way."""

    def __init__(
        self, folder: Path, brightspace: SandboxBrightspace, monkeypatch: pytest.MonkeyPatch, route: str, way: str
    ) -> None:
        self.brightspace = brightspace
        self._monkeypatch = monkeypatch
        monkeypatch.setenv("BRIGHTSPACE_SECRET", brightspace.client_secret)
        self.settings = {
            "delivery": {"route": route},
            "brightspace": tenant_section(brightspace, existing=way),
            "safety": {"ignore_below": 1000},
            # With dates, so that they can be changed by hand.
            "courses": {"dates": {"inherit": True}, "session_types": {"term": "Semester", "schoolYear": "School Year"}},
            "timezone": "America/Chicago",
        }
        self.pipeline = Pipeline(folder, self.settings)
        self.ipsis = Ipsis(brightspace.tenant)

    def _sign_in(self) -> None:
        """Refresh tokens are good for one use, and whoever changes the tenant by hand uses them too."""
        self._monkeypatch.setenv("BRIGHTSPACE_REFRESH_TOKEN", self.brightspace.refresh_token)
        (self.pipeline.home.root / "tokens" / f"{SOURCE}.json").unlink(missing_ok=True)

    def night(self, files: RosterFiles | None = None) -> None:
        self._sign_in()
        night = self.pipeline.night(files)
        if self.settings["delivery"]["route"] == "outbox" and night.bundle:
            batch = self.ipsis.process(night.bundle)
            assert not batch.errors
        self.brightspace.data_sets.publish()

    def drift(self) -> Drift:
        self._sign_in()
        return find_drift(
            self.pipeline.warehouse, self.pipeline.home, SOURCE, YEAR, self.pipeline.settings, "run-drift"
        )

    def found(self) -> Found:
        """Finding, sourced id, kind and field of every row of a new report."""
        self.drift()
        return {
            (row["finding"], row["sourced_id"], row["kind"], row["field"]) for row in self.pipeline.rows("sync.drift")
        }

    def row(self, finding: str, field: str | None = None, kind: str | None = None) -> dict[str, Any]:
        (row,) = (
            row
            for row in self.pipeline.rows("sync.drift")
            if row["finding"] == finding and field in {None, row["field"]} and kind in {None, row["kind"]}
        )
        return row

    def id(self, kind: str, sourced_id: str) -> int:
        """The id in Brightspace, whatever the route told."""
        mapping = self.pipeline.mappings(kind)[sourced_id]
        if mapping["brightspace_id"]:
            return int(mapping["brightspace_id"])
        if kind == "user":
            return self.brightspace.tenant.directory.with_org_defined_id(mapping["code"])[0].id
        return self.brightspace.tenant.tree.with_code(mapping["code"])[0].id


@pytest.fixture(
    params=[
        pytest.param(("api", "api"), id="api-api"),
        pytest.param(("outbox", "data_sets"), id="outbox-data_sets"),
        pytest.param(("api", "data_sets"), id="api-data_sets", marks=pytest.mark.soak),
        pytest.param(("outbox", "api"), id="outbox-api", marks=pytest.mark.soak),
    ]
)
def district(
    request: pytest.FixtureRequest, tmp_path: Path, brightspace: SandboxBrightspace, monkeypatch: pytest.MonkeyPatch
) -> District:
    """A small district, delivered."""
    district = District(tmp_path, brightspace, monkeypatch, *request.param)
    district.night(maple())
    return district


def test_exactly_what_was_changed_by_hand_is_told(district: District) -> None:
    assert district.found() == set()
    drift = district.drift()
    assert drift.compared["users"] == 5
    assert drift.compared["enrollments"] == len(district.pipeline.mappings("enrollment"))
    assert drift.newer == 0

    by_hand, tree = Client(district.brightspace), district.brightspace.tenant.tree
    # Org units: renamed, switched off and moved in time, hung elsewhere, gone, and one more of the same code.
    lit, math, oak = (
        district.id(*key) for key in (("course_offering", "lit-1"), ("course_offering", "math-1"), ("school", "oak"))
    )
    school = by_hand.get(f"/orgstructure/{oak}")
    by_hand.call("PUT", f"/orgstructure/{oak}", {**school, "Name": "Oak Academy"})
    offering = by_hand.get(f"/courses/{lit}")
    changed = {**offering, "IsActive": False, "EndDate": "2027-01-31T05:59:59.000Z"}
    changed["Description"] = {"Content": "", "Type": "Html"}
    assert by_hand.call("PUT", f"/courses/{lit}", changed).status_code == 200
    elm = district.id("school", "elm")
    assert by_hand.call("DELETE", f"/orgstructure/{math}/parents/{elm}").status_code == 200
    by_hand.post(f"/orgstructure/{math}/parents/", oak)
    assert (
        by_hand.call("POST", f"/orgstructure/recyclebin/{district.id('section', 'lit-2')}/recycle").status_code == 200
    )
    twin = tree.org_units[district.id("course_template", "math")]
    block = {"Name": "Twin", "Code": twin.code, "Path": "", "ParentOrgUnitIds": [by_hand.root()]}
    by_hand.post("/coursetemplates/", block)
    # People: switched off, given another address, another role, another login.
    sue, tina, sam, gus = (district.id("user", name) for name in ("sue", "tina", "sam", "gus"))
    by_hand.call("PUT", f"/users/{sue}/activation", {"IsActive": False})
    teacher = by_hand.get(f"/users/{tina}")
    by_hand.call("PUT", f"/users/{tina}", {**teacher, "ExternalEmail": "t@example.org", "UserName": "tina.new"})
    by_hand.enroll(gus, by_hand.root(), "Aide")
    # Enrollments: one ended, one in another role, one of a stranger.
    section = district.id("section", "lit-1")
    assert by_hand.call("DELETE", f"/enrollments/orgUnits/{section}/users/{sam}").status_code == 200
    by_hand.enroll(tina, district.id("section", "math-1"), "Aide")
    stranger = by_hand.user("guest")
    by_hand.enroll(stranger, lit)
    by_hand.enroll(stranger, section)

    district.brightspace.data_sets.publish()
    assert district.found() == {
        ("changed", "oak", "school", "name"),
        ("changed", "lit-1", "course_offering", "is_active"),
        ("changed", "lit-1", "course_offering", "end_date"),
        ("changed", "math-1", "course_offering", "parents"),
        ("missing", "lit-2", "section", None),
        ("duplicate_code", "math", "course_template", "code"),
        ("changed", "sue", "user", "is_active"),
        ("changed", "tina", "user", "email"),
        ("changed", "tina", "user", "username"),
        ("changed", "gus", "user", "role"),
        ("enrollment_missing", "sam|section:lit-1", "enrollment", None),
        ("enrollment_role_changed", "tina|section:math-1", "enrollment", "role"),
        ("enrollment_unknown", None, "enrollment", None),
    }
    moved = district.row("changed", "parents")
    assert "Elm Elementary" in moved["expected"]
    assert "Oak Academy" in moved["found"]
    assert district.row("changed", "name")["expected"] == "Oak Elementary"
    assert district.row("enrollment_unknown")["brightspace_id"] == stranger
    # The name is an org unit's or nobody's.
    names = {row["name"] for row in district.pipeline.rows("sync.drift", "kind = 'user'")}
    assert names == {None}


def _api_district(
    tmp_path: Path, brightspace: SandboxBrightspace, monkeypatch: pytest.MonkeyPatch, way: str = "api", **settings: Any
) -> District:
    district = District(tmp_path, brightspace, monkeypatch, "api", way)
    district.pipeline.configure(**{**district.settings, **settings})
    district.night(maple())
    return district


@pytest.mark.parametrize("way", ["api", "data_sets"])
def test_a_whole_district_that_nobody_touched_gives_no_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    with SandboxBrightspace() as brightspace:
        district = District(tmp_path, brightspace, monkeypatch, "api" if way == "api" else "outbox", way)
        write_csv_bundle(make_district(students=100, years=1), tmp_path / "feed")
        district.night()
        drift = district.drift()
    assert drift.findings == {}
    assert drift.newer == 0
    kinds = ("user", "enrollment")
    assert drift.compared == {
        "users": len(district.pipeline.mappings("user")),
        "enrollments": len(district.pipeline.mappings("enrollment")),
        "org_units": len(district.pipeline.rows("sync.mappings", "kind NOT IN ('user', 'relationship', 'enrollment')")),
    }
    assert all(district.pipeline.mappings(kind) for kind in kinds)


def test_what_is_said_of_the_nights_to_come_comes_true(
    tmp_path: Path, brightspace: SandboxBrightspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    district = _api_district(tmp_path, brightspace, monkeypatch, overwrite={"people": {"last_name": False}})
    tenant = brightspace.tenant
    oak, section = district.id("school", "oak"), district.id("section", "lit-2")
    tina = tenant.directory.get(district.id("user", "tina"))
    tenant.tree.rename(oak, "Oak Academy", tenant.tree.get(oak).code)
    tenant.tree.recycle(section)
    tina.last_name, tina.email = "Changed", "changed@example.org"
    district.drift()
    assert district.row("changed", "name")["next_night"] == "put right when this value changes in the SIS"
    assert district.row("changed", "email")["next_night"] == "put right when this value changes in the SIS"
    assert district.row("changed", "last_name")["next_night"] == "stays as it is: the overwrite settings keep it"
    assert district.row("missing")["next_night"] == (
        "restored from the recycle bin, or created again, when its name, code or place changes in the SIS"
    )
    # A night in which nothing changes puts nothing right.
    district.night()
    assert tenant.tree.get(oak).name == "Oak Academy"
    # What changes does, and nothing beside it.
    files = maple()
    files.change("orgs", "oak", name="Oak Primary")
    files.change("courses", "lit", title="Literacy")
    files.change("users", "tina", email="new@example.org", familyName="New")
    district.night(files)
    assert tenant.tree.get(oak).name == "Oak Primary"
    assert "Literacy" in tenant.tree.get(section).name
    assert (tina.email, tina.last_name) == ("new@example.org", "Changed")


def test_a_line_of_the_standard_csv_puts_every_field_right(
    tmp_path: Path, brightspace: SandboxBrightspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    district = District(tmp_path, brightspace, monkeypatch, "outbox", "api")
    district.night(maple())
    tenant = brightspace.tenant
    oak = tenant.tree.get(district.id("school", "oak"))
    tina = tenant.directory.get(district.id("user", "tina"))
    tina.first_name = "Changed"
    tenant.tree.recycle(oak.id)
    district.drift()
    assert district.row("changed", "first_name")["next_night"].startswith("put right when anything of it changes")
    assert (
        district.row("missing", kind="school")["next_night"] == "created again when anything of it changes in the SIS"
    )
    files = maple()
    files.change("users", "tina", email="new@example.org")
    files.change("orgs", "oak", name="Oak Primary")
    district.night(files)
    assert tina.first_name == "Given tina"
    assert tenant.tree.with_code(oak.code)[0].id != oak.id


def test_what_was_delivered_after_the_data_sets_were_made_is_left_out(
    tmp_path: Path, brightspace: SandboxBrightspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    district = _api_district(tmp_path, brightspace, monkeypatch, way="data_sets")
    files = maple()
    files.user("new", "student", ["elm"])
    files.class_("lit-9", "lit", "elm", ["fall"], "CPLI1/009")
    files.enroll("new", "lit-9")
    files.enroll("new", "lit-1")
    files.remove("enrollments", "e-pat-lit-2")
    brightspace.data_sets.publish = lambda *_: None  # type: ignore[method-assign]
    district.night(files)
    drift = district.drift()
    # Neither what is new is missing, nor is what was ended somebody else's.
    assert drift.findings == {}
    assert drift.newer > 1
    assert any("when the newest extracts were made" in sentence for sentence in drift.not_seen)


def test_differentials_show_what_changed_and_not_what_we_ended(
    tmp_path: Path, brightspace: SandboxBrightspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    district = _api_district(tmp_path, brightspace, monkeypatch, way="data_sets")
    publish = brightspace.data_sets.publish
    monkeypatch.setattr(brightspace.data_sets, "publish", lambda: publish(["Differential"]))
    files = maple()
    files.user("new", "student", ["elm"])
    files.remove("enrollments", "e-pat-lit-2")
    district.night(files)
    oak = district.id("school", "oak")
    brightspace.tenant.tree.rename(oak, "Oak Academy", brightspace.tenant.tree.get(oak).code)
    brightspace.tenant.tree.recycle(district.id("section", "math-1"))
    brightspace.data_sets.publish()
    # Pat's enrollments that the integration ended are in the full extract still.
    assert district.found() == {("changed", "oak", "school", "name"), ("missing", "math-1", "section", None)}
    assert district.drift().newer == 0


def test_a_service_user_who_sees_nothing_leads_to_no_finding(
    tmp_path: Path, brightspace: SandboxBrightspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    district = _api_district(tmp_path, brightspace, monkeypatch)
    hidden = HiddenRows(pattern=r"GET .*/enrollments/orgUnits/(?!\d+/users/$)|GET .*/enrollments/orgUnits/\d+/users/$")
    with brightspace.fault(hidden), pytest.raises(DriftError, match=r"shows none of \d+ managed enrollments"):
        district.drift()
    assert not district.pipeline.rows("sync.drift")


def test_files_say_what_they_cannot_tell(pipeline: Pipeline, files: RosterFiles) -> None:
    pipeline.night(files)
    brightspace_holds(
        pipeline,
        users=[
            {
                "brightspace_id": 1,
                "username": "sue.login",
                "org_defined_id": "id-sue",
                "first_name": "Given sue",
                "last_name": "Family sue",
                "is_active": 0,
            }
        ],
    )
    drift = find_drift(pipeline.warehouse, pipeline.home, SOURCE, YEAR, pipeline.settings, "run-drift")
    # Those that the file does not hold are not taken for missing.
    assert drift.findings == {"changed": {"user": 1}}
    assert drift.compared["users"] == 1
    assert pipeline.row("sync.drift", "true")["field"] == "is_active"
    assert any("set brightspace.existing: api or data_sets" in sentence for sentence in drift.not_seen)


def test_the_command_counts_first_and_names_org_units_but_never_people(
    tmp_path: Path, brightspace: SandboxBrightspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    district = _api_district(tmp_path / "home", brightspace, monkeypatch)
    tenant = brightspace.tenant
    oak = tenant.tree.get(district.id("school", "oak"))
    tenant.tree.rename(oak.id, "Oak Academy", oak.code)
    tenant.directory.get(district.id("user", "sue")).last_name = "Secretname"
    tenant.unenroll(district.id("user", "sam"), district.id("section", "lit-1"))
    monkeypatch.setenv("ROSTER_HOME", str(tmp_path / "home"))

    answer = CliRunner().invoke(main, ["drift", SOURCE, "--school-year", YEAR, "--json"])
    assert answer.exit_code == 0, answer.output
    told = json.loads(answer.stdout)
    assert told["outcome"] == "reported"
    assert told["findings"] == {"changed": {"school": 1, "user": 1}, "enrollment_missing": {"enrollment": 1}}
    assert {row["name"] for row in told["named"]} == {"Oak Elementary", district.pipeline.unit("section:lit-1")["name"]}

    printed = CliRunner().invoke(main, ["drift", SOURCE, "--school-year", YEAR], env={"COLUMNS": "200"})
    assert printed.exit_code == 0, printed.output
    assert "Oak Academy" in printed.stdout
    assert printed.stdout.index("what the next nights do") < printed.stdout.index("Oak Academy")
    assert "Not compared:" in printed.stdout
    with duckdb.connect(str(district.pipeline.warehouse.published_path), read_only=True) as published:
        assert published.execute("SELECT count(*) FROM sync.drift").fetchall() == [(3,)]
    run = district.pipeline.rows("sync.runs", "run_id = $run_id", run_id=told["run_id"])[0]
    assert run["status"] == "reported"

    with dg.DagsterInstance.from_config(str(tmp_path / "home" / "dagster")) as instance:
        event = instance.get_latest_materialization_event(dg.AssetKey([SOURCE, "sync", "drift"]))
        log = "\n".join(str(entry) for entry in instance.all_logs(told["run_id"]))
    assert event is not None
    assert event.asset_materialization is not None
    metadata = event.asset_materialization.metadata
    assert metadata["findings"].value == 3
    assert metadata["changed"].value == 2
    for text in (answer.output, printed.output, log, str(metadata)):
        assert "Secretname" not in text
        assert "Family s" not in text

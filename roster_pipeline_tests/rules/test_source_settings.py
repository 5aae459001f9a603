"""The source file: what it must have, what it may say, and what it refuses."""

from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from roster_pipeline.definitions import build_definitions
from roster_pipeline.home import Home
from roster_pipeline.settings import SettingsError, Source, load_source, load_sources
from roster_pipeline.settings.courses import OrgType, SessionType
from roster_pipeline.settings.people import Role
from roster_pipeline.settings.schema import source_schema
from roster_pipeline_tests.source_files import REST

SFTP: dict[str, Any] = {
    "kind": "sftp",
    "host": "sftp.sis.example",
    "username": "maple",
    "password": "${SIS_SECRET}",
    "host_key": "ssh-ed25519 AAAA",
}
SECRET = {"SIS_SECRET": "s3cret-value"}


def _write(folder: Path, source_id: str = "maple", **settings: Any) -> Path:
    content = {"name": source_id, "profile": "skyward", "connection": REST, **settings}
    path = folder / f"{source_id}.yaml"
    path.write_text(yaml.safe_dump(content), "utf-8")
    return path


def _load(folder: Path, environment: dict[str, str] | None = None, **settings: Any) -> Source:
    _write(folder, **settings)
    return load_source(folder, "maple", SECRET if environment is None else environment).settings


def _without(section: dict[str, Any], *keys: str) -> dict[str, Any]:
    """A copy without one key, which may lie deeper: `auth`, `client_id`."""
    first, *rest = keys
    return {
        key: _without(value, *rest) if key == first else value for key, value in section.items() if rest or key != first
    }


@pytest.mark.rule("CF-001")
def test_the_roster_works_without_grades(tmp_path: Path) -> None:
    settings = _load(tmp_path)
    assert settings.grade_export.enabled is False
    _write(tmp_path, connection={"kind": "folder", "path": "feed"})
    jobs = {job.name for job in build_definitions(_home_of(tmp_path)).jobs or []}
    assert "maple__roster_sync" in jobs


def _home_of(sources: Path) -> Home:
    home = Home(sources / "home")
    home.sources.mkdir(parents=True, exist_ok=True)
    for path in sources.glob("*.yaml"):
        (home.sources / path.name).write_text(path.read_text("utf-8"), "utf-8")
    return home


@pytest.mark.rule("CF-002")
def test_no_schedule_without_credentials(tmp_path: Path) -> None:
    _write(tmp_path, connection=_without(REST, "auth", "client_secret"))
    assert not build_definitions(_home_of(tmp_path)).schedules
    with pytest.raises(SettingsError, match=r"connection\.auth\.client_secret: is missing"):
        load_source(tmp_path, "maple", SECRET)


@pytest.mark.rule("CF-002")
def test_no_schedule_without_a_mapping_of_roles(tmp_path: Path) -> None:
    _write(tmp_path, people={"roles": {}})
    assert not build_definitions(_home_of(tmp_path)).schedules
    with pytest.raises(SettingsError, match=r"schedule\.enabled: true needs at least one role in people\.roles"):
        load_source(tmp_path, "maple", SECRET)
    assert _load(tmp_path, people={"roles": {}}, schedule={"enabled": False})


@pytest.mark.rule("CF-003")
@pytest.mark.parametrize("connection", [REST, SFTP, {"kind": "folder", "path": "feed"}], ids=lambda c: c["kind"])
def test_every_kind_of_connection_has_the_same_settings(tmp_path: Path, connection: dict[str, Any]) -> None:
    settings = _load(
        tmp_path,
        connection=connection,
        people={"default_status": "inactive"},
        courses={"on_delete": "inactivate", "unenroll": {"after_end_date": True}},
        overwrite={"people": {"email": False}},
    )
    assert settings.people.default_status == "inactive"
    assert settings.courses.on_delete == "inactivate"
    assert settings.overwrite.people.email is False


@pytest.mark.rule("CF-004")
@pytest.mark.parametrize("key", ["host", "username", "password"])
def test_an_sftp_source_needs_address_user_and_password(tmp_path: Path, key: str) -> None:
    with pytest.raises(SettingsError, match="password or private_key" if key == "password" else rf"{key}: is missing"):
        _load(tmp_path, connection=_without(SFTP, key))


@pytest.mark.rule("CF-005")
def test_an_sftp_password_is_never_shown_and_follows_its_variable(tmp_path: Path) -> None:
    old = _load(tmp_path, connection=SFTP)
    new = _load(tmp_path, {"SIS_SECRET": "rotated"}, connection=SFTP)
    for settings in (old, new):
        for shown in (repr(settings), str(settings.model_dump()), settings.model_dump_json()):
            assert "s3cret-value" not in shown
            assert "rotated" not in shown
    assert new.connection.kind == "sftp"
    assert new.connection.password is not None
    assert new.connection.password.get_secret_value() == "rotated"


@pytest.mark.rule("CF-005", "OT-014")
def test_a_secret_in_the_file_is_refused_and_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"connection\.password: a secret must not stand in the file") as caught:
        _load(tmp_path, connection={**SFTP, "password": "s3cret-value"})
    assert "s3cret-value" not in str(caught.value)


@pytest.mark.rule("CF-008", "OT-014")
@pytest.mark.parametrize(
    "keys", [("endpoint_url",), ("auth", "token_url"), ("auth", "client_id"), ("auth", "client_secret")]
)
def test_a_rest_source_needs_both_addresses_and_both_credentials(tmp_path: Path, keys: tuple[str, ...]) -> None:
    with pytest.raises(SettingsError, match=rf"connection\.{'.'.join(keys)}: is missing"):
        _load(tmp_path, connection=_without(REST, *keys))


@pytest.mark.rule("CF-008")
def test_oauth_1_needs_no_authentication_endpoint(tmp_path: Path) -> None:
    auth = {"kind": "oauth1", "client_id": "maple", "client_secret": "${SIS_SECRET}"}
    assert _load(tmp_path, connection={**REST, "auth": auth}).connection.kind == "rest"


@pytest.mark.rule("CF-009", "CF-010")
def test_a_source_has_a_name_a_schedule_and_overwrite_switches(tmp_path: Path) -> None:
    properties = source_schema()["properties"]
    assert {"name", "schedule", "overwrite"} <= properties.keys()
    with pytest.raises(SettingsError, match="name"):
        _load(tmp_path, name="")


@pytest.mark.rule("CF-010")
def test_two_sources_of_one_name_are_refused(tmp_path: Path) -> None:
    _write(tmp_path, "elm", name="Maple USD")
    _write(tmp_path, "maple", name="Maple USD")
    loaded, mistakes = load_sources(tmp_path, SECRET)
    assert [source.source_id for source in loaded] == ["elm"]
    assert [mistake.key for mistake in mistakes] == ["name"]


@pytest.mark.rule("CF-012")
@pytest.mark.parametrize(
    ("time", "warned"), [("06:59", False), ("07:00", True), ("12:00", True), ("17:59", True), ("18:00", False)]
)
def test_a_sync_in_working_hours_gets_a_warning(tmp_path: Path, time: str, warned: bool) -> None:
    warnings = _load(tmp_path, schedule={"time": time}).warnings()
    assert bool([warning for warning in warnings if warning.startswith("schedule.time")]) is warned


@pytest.mark.rule("CF-031")
def test_the_people_section_creates_links_and_updates(tmp_path: Path) -> None:
    section = source_schema()["$defs"]["People"]["properties"]
    assert {"roles", "default_status", "link_existing", "identify_by"} <= section.keys()
    people = _load(tmp_path).people
    assert (people.default_status, people.link_existing, people.identify_by) == ("active", False, "org_defined_id")


@pytest.mark.rule("CF-036", "CF-042")
def test_only_roles_of_oneroster_can_be_mapped(tmp_path: Path) -> None:
    assert set(get_args(Role)) == {
        "administrator",
        "aide",
        "guardian",
        "parent",
        "proctor",
        "relative",
        "student",
        "teacher",
    }
    assert _load(tmp_path, people={"roles": dict.fromkeys(get_args(Role), "Learner")})
    with pytest.raises(SettingsError, match=r"people\.roles\.principal"):
        _load(tmp_path, people={"roles": {"principal": "Instructor"}})


@pytest.mark.rule("CF-042")
def test_a_role_maps_to_exactly_one_and_a_mapping_can_be_taken_away(tmp_path: Path) -> None:
    roles = {"student": "Learner", "teacher": "Instructor", "aide": "Helper"}
    assert _load(tmp_path, people={"roles": roles}).people.roles == roles
    # The file's mapping stands in the place of the profile's, which has guardians too.
    assert _load(tmp_path, people={"roles": {"student": "Pupil"}}).people.roles == {"student": "Pupil"}
    with pytest.raises(SettingsError, match=r"people\.roles\.student"):
        _load(tmp_path, people={"roles": {"student": ["Learner", "Instructor"]}})


@pytest.mark.rule("CF-087", "CF-088")
def test_org_and_session_types_can_be_added_and_unknown_ones_not(tmp_path: Path) -> None:
    org_types = dict.fromkeys(get_args(OrgType), "Custom")
    session_types = dict.fromkeys(get_args(SessionType), "Custom")
    courses = _load(tmp_path, courses={"org_types": org_types, "session_types": session_types}).courses
    assert courses.org_types == org_types
    assert courses.session_types == session_types
    with pytest.raises(SettingsError, match=r"courses\.org_types\.campus"):
        _load(tmp_path, courses={"org_types": {"campus": "Campus"}})
    with pytest.raises(SettingsError, match=r"courses\.session_types\.week"):
        _load(tmp_path, courses={"session_types": {"week": "Week"}})


@pytest.mark.rule("CF-112")
def test_the_section_of_upper_org_units_has_a_flag_for_each_kind(tmp_path: Path) -> None:
    flags = _load(tmp_path).org_units.link_existing
    assert flags.model_dump() == {"departments": False, "semesters": False, "others": False}


def test_a_fourth_sis_needs_a_source_file_and_no_code(tmp_path: Path) -> None:
    settings = _load(
        tmp_path,
        profile="generic",
        people={"roles": {"student": "Learner", "guardian": "Parent"}},
        mapping={
            "org_code": "name",
            "school_parent": "district",
            "section_number": "class_code",
            "template": {"name": ["{course.title}"], "code": ["{course.course_code}"]},
            "offering": {"name": ["{course.course_code}.{section_number}"], "code": ["{name}"]},
            "roles": {"guardian": {"org_defined_id": ["identifier"], "enroll_in": ["district"], "is_guardian": True}},
        },
    )
    assert settings.mapping.org_code == "name"
    assert settings.mapping.offering.name == ["{course.course_code}.{section_number}"]
    assert settings.mapping.roles["guardian"].enroll_in == ["district"]
    # What the file leaves out stays the profile's.
    assert settings.mapping.roles["student"].org_defined_id == ["identifier", "sourced_id"]


def test_no_step_of_the_roster_asks_which_vendor_a_source_has() -> None:
    package = Path(__file__).parents[2] / "roster_pipeline"
    asking = [
        path.relative_to(package).as_posix()
        for layer in ("assets", "delivery", "oneroster", "warehouse")
        for path in [*(package / layer).rglob("*.py"), *(package / layer).rglob("*.sql")]
        if "infinite_campus" in path.read_text("utf-8") or "'skyward'" in path.read_text("utf-8")
    ]
    assert asking == []

"""Source files: what they may hold, and how a mistake is told."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from roster_pipeline.settings import SettingsError, load_source, load_sources
from roster_pipeline_tests.source_files import REST

ENVIRONMENT = {"OAK_ID": "oak", "SIS_SECRET": "open sesame"}


def _write(folder: Path, source_id: str = "oak", **settings: Any) -> None:
    content = {"name": "Oak USD", "profile": "skyward", "connection": REST, **settings}
    (folder / f"{source_id}.yaml").write_text(yaml.safe_dump(content, sort_keys=False), "utf-8")


def _mistakes(folder: Path, environment: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        load_source(folder, "oak", ENVIRONMENT if environment is None else environment)
    return [str(mistake) for mistake in raised.value.mistakes]


def test_everything_but_three_keys_has_a_default(tmp_path: Path) -> None:
    _write(tmp_path)
    settings = load_source(tmp_path, "oak", ENVIRONMENT).settings
    assert settings.timezone == "UTC"
    assert settings.schedule.time == "02:00"
    assert settings.delivery.route == "outbox"
    assert settings.delivery.standard_csv_version == "3.0"
    assert settings.people.identify_by == "org_defined_id"
    assert settings.safety.max_removed_percent == 10
    assert settings.grade_export.enabled is False


def test_the_profile_fills_in_and_the_file_overrides(tmp_path: Path) -> None:
    _write(tmp_path)
    assert set(load_source(tmp_path, "oak", ENVIRONMENT).settings.people.roles) == {"student", "teacher", "guardian"}
    _write(tmp_path, people={"roles": {"student": "Pupil"}}, mapping={"offering": {"code": ["{class.sourced_id}"]}})
    settings = load_source(tmp_path, "oak", ENVIRONMENT).settings
    assert settings.people.roles == {"student": "Pupil"}, "a role that the file leaves out is not mapped"
    assert settings.mapping.offering.code == ["{class.sourced_id}"]
    assert settings.mapping.offering.name == ["{course.title}-{course.course_code}/{section_number}"]


@pytest.mark.parametrize("profile", ["skyward", "infinite_campus", "generic"])
def test_every_profile_loads(tmp_path: Path, profile: str) -> None:
    _write(tmp_path, profile=profile)
    assert load_source(tmp_path, "oak", ENVIRONMENT).settings.profile == profile


def test_variables_are_put_in_anywhere_in_a_text(tmp_path: Path) -> None:
    _write(tmp_path, name="Oak of ${OAK_ID}")
    assert load_source(tmp_path, "oak", ENVIRONMENT).settings.name == "Oak of oak"


def test_a_missing_variable_is_named(tmp_path: Path) -> None:
    _write(tmp_path)
    (mistake,) = _mistakes(tmp_path, {"OAK_ID": "oak"})
    assert "SIS_SECRET" in mistake
    assert "connection.auth.client_secret" in mistake


@pytest.mark.parametrize("secret", ["plain text", "prefix-${SIS_SECRET}"])
def test_a_secret_in_the_file_is_refused_and_not_repeated(tmp_path: Path, secret: str) -> None:
    _write(tmp_path, connection={**REST, "auth": {**REST["auth"], "client_secret": secret}})
    (mistake,) = _mistakes(tmp_path)
    assert "connection.auth.client_secret" in mistake
    assert secret not in mistake
    assert "open sesame" not in mistake


def test_a_loaded_source_never_shows_its_secrets(tmp_path: Path) -> None:
    _write(tmp_path)
    source = load_source(tmp_path, "oak", ENVIRONMENT)
    assert "open sesame" not in f"{source!r}{source.settings.model_dump_json()}"


@pytest.mark.parametrize(
    ("settings", "key", "told"),
    [
        ({"peple": {}}, "peple", "did you mean people?"),
        ({"people": {"roles": {"pupil": "Learner"}}}, "people.roles.pupil", "student"),
        ({"people": {"default_status": "on"}}, "people.default_status", "'active'"),
        ({"timezone": "America/Chikago"}, "timezone", "America/Chikago"),
        ({"schedule": {"time": "2am"}}, "schedule.time", "2am"),
        ({"profile": "aeries"}, "profile", "'skyward'"),
        ({"delivery": {"route": "post"}}, "delivery.route", "'outbox'"),
        ({"delivery": {"standard_csv_version": "1.0"}}, "delivery.standard_csv_version", "1.0"),
        ({"safety": {"max_removed_percent": 101}}, "safety.max_removed_percent", "101"),
        ({"connection": {**REST, "endpoint_url": "http://sis.example/"}}, "connection.endpoint_url", "https://"),
        ({"connection": {"kind": "ftp"}}, "connection", "'rest'"),
        ({"connection": {"kind": "folder"}}, "connection.path", "missing"),
        ({"mapping": {"offering": {"name": ["{course.titel}"]}}}, "mapping.offering.name.0", "course.title"),
        ({"mapping": {"section_number": "class_title_regex:("}}, "mapping.section_number", "regular expression"),
        ({"retention": 0}, "retention", "greater than or equal to 1"),
    ],
)
def test_a_mistake_names_file_line_key_and_remedy(
    tmp_path: Path, settings: dict[str, Any], key: str, told: str
) -> None:
    _write(tmp_path, **settings)
    (mistake,) = _mistakes(tmp_path)
    assert mistake.startswith(f"{tmp_path / 'oak.yaml'}:")
    assert f" {key}: " in mistake
    assert told in mistake


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"delivery": {"unique_codes": False}}, "delivery.unique_codes"),
        ({"delivery": {"route": "sftp"}}, "delivery.sftp"),
        ({"delivery": {"route": "api"}}, "brightspace"),
        (
            {"connection": {"kind": "folder", "path": "feed"}, "grade_export": {"enabled": True}},
            "connection.kind",
        ),
    ],
)
def test_what_is_impossible_together_is_refused(tmp_path: Path, settings: dict[str, Any], told: str) -> None:
    _write(tmp_path, **settings)
    assert told in " ".join(_mistakes(tmp_path))


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    _write(tmp_path, timezone="nowhere", retention=0, peple={})
    assert len(_mistakes(tmp_path)) == 3


def test_a_file_that_is_no_yaml_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "oak.yaml").write_text("name: Oak\nprofile: [skyward\n", "utf-8")
    (mistake,) = _mistakes(tmp_path)
    assert "oak.yaml:3" in mistake


def test_two_sources_of_one_name_are_refused(tmp_path: Path) -> None:
    _write(tmp_path, "oak")
    _write(tmp_path, "elm")
    loaded, mistakes = load_sources(tmp_path, ENVIRONMENT)
    assert [source.source_id for source in loaded] == ["elm"]
    assert "elm.yaml" in str(mistakes[0])


@pytest.mark.parametrize("name", ["Oak", "oak-usd", "oak usd", "_oak"])
def test_a_source_id_is_fit_for_paths_and_keys(tmp_path: Path, name: str) -> None:
    _write(tmp_path, name)
    _, (mistake,) = load_sources(tmp_path, ENVIRONMENT)
    assert "small letters" in str(mistake)


def test_a_sync_in_working_hours_is_warned_of(tmp_path: Path) -> None:
    _write(tmp_path, schedule={"time": "10:00"})
    assert any("schedule.time" in warning for warning in load_source(tmp_path, "oak", ENVIRONMENT).settings.warnings())


TENANT = {
    "url": "https://oak.brightspace.example",
    "auth": {
        "kind": "client_assertion",
        "client_id": "app",
        "key_id": "k1",
        "private_key": "${SIS_SECRET}",
    },
}


def test_what_brightspace_holds_is_looked_up_in_files_unless_said_otherwise(tmp_path: Path) -> None:
    _write(tmp_path)
    assert load_source(tmp_path, "oak", ENVIRONMENT).settings.existing == "files"
    _write(tmp_path, brightspace=TENANT)
    assert load_source(tmp_path, "oak", ENVIRONMENT).settings.existing == "files"
    for way in ("api", "data_sets"):
        _write(tmp_path, brightspace={**TENANT, "existing": way})
        assert load_source(tmp_path, "oak", ENVIRONMENT).settings.existing == way


@pytest.mark.parametrize("way", ["api", "data_sets"])
@pytest.mark.parametrize("key", ["url", "auth"])
def test_a_tenant_is_looked_up_with_address_and_credentials_only(tmp_path: Path, way: str, key: str) -> None:
    _write(tmp_path, brightspace={**{name: TENANT[name] for name in TENANT if name != key}, "existing": way})
    (mistake,) = _mistakes(tmp_path)
    assert f"brightspace.{key}: is missing; add it" in mistake


def test_another_way_to_look_up_is_no_way(tmp_path: Path) -> None:
    _write(tmp_path, brightspace={**TENANT, "existing": "screen"})
    (mistake,) = _mistakes(tmp_path)
    assert "brightspace.existing: 'screen': must be one of 'files', 'api' or 'data_sets'" in mistake

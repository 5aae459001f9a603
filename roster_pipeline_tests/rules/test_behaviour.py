"""The page that tells every rule: complete, true to the settings, and up to date."""

from pathlib import Path
from typing import Any

from roster_pipeline.settings.schema import source_schema
from roster_pipeline_tests.rules import behaviour
from roster_pipeline_tests.rules.first_night import FirstNight

DOCS = Path(__file__).parents[2] / "docs"

#: Their tests come with the gradebook.
OF_GRADES = ("Grades", "Otus")


def test_each_rule_is_told_once_and_every_marked_one_is_told() -> None:
    told = [rule for entries in behaviour.rules().values() for entry in entries for rule in entry.ids]
    assert len(told) == len(set(told))
    assert set(behaviour.tests_by_rule()) <= set(told)


def test_each_rule_of_the_roster_is_held_by_a_test() -> None:
    held = behaviour.tests_by_rule()
    for subject, entries in behaviour.rules().items():
        if not subject.startswith(OF_GRADES):
            assert not [rule for entry in entries for rule in entry.ids if rule not in held]


def test_each_setting_that_the_page_names_exists() -> None:
    schema = source_schema()
    for entries in behaviour.rules().values():
        for entry in entries:
            if entry.setting:
                assert _has(schema, schema, entry.setting.split(".")), entry.setting


def _has(schema: dict[str, Any], part: dict[str, Any], keys: list[str]) -> bool:
    if not keys:
        return True
    options = [part, *part.get("anyOf", []), *part.get("oneOf", []), *part.get("allOf", [])]
    for option in options:
        if "$ref" in option:
            option = schema["$defs"][option["$ref"].rpartition("/")[2]]  # noqa: PLW2901 - what the option stands for
        if keys[0] in option.get("properties", {}) and _has(schema, option["properties"][keys[0]], keys[1:]):
            return True
        names = option.get("propertyNames", {}).get("enum", [])
        if keys[0] in names and _has(schema, option["additionalProperties"], keys[1:]):
            return True
        if option is not part and _has_deeper(schema, option, keys):
            return True
    return False


def _has_deeper(schema: dict[str, Any], part: dict[str, Any], keys: list[str]) -> bool:
    return any(key in part for key in ("anyOf", "oneOf", "allOf")) and _has(schema, part, keys)


def test_the_page_is_up_to_date(skyward: FirstNight, campus: FirstNight) -> None:
    remedy = "run: python -m roster_pipeline_tests.rules.behaviour docs"
    assert (DOCS / behaviour.PAGE).read_text("utf-8") == behaviour.page(skyward, campus), remedy

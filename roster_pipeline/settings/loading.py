"""Reads source files: profile defaults, `${ENV_VAR}`, and mistakes told by file, line, key, value and remedy."""

import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard, get_args

import yaml
from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from roster_pipeline.packaged import packaged_yaml
from roster_pipeline.settings.base import EnvironmentText
from roster_pipeline.settings.source import Source

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SOURCE_ID = re.compile(r"[a-z0-9][a-z0-9_]*")

Key = tuple[str | int, ...]


@dataclass(frozen=True)
class Mistake:
    """One thing wrong in one source file."""

    file: Path
    key: str
    message: str
    line: int | None = None

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else str(self.file)
        return f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"


class SettingsError(Exception):
    """The settings cannot be used. Carries every mistake found, not only the first."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        self.mistakes = mistakes
        super().__init__("\n".join(map(str, mistakes)))


@dataclass(frozen=True)
class SourceFile:
    """A source system: its id (the file's name) and its settings."""

    source_id: str
    path: Path
    settings: Source


def source_paths(folder: Path) -> list[Path]:
    """The source files in `folder`, by name."""
    return sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")])


def load_source(
    folder: Path,
    source_id: str,
    environment: Mapping[str, str] = os.environ,
    *,
    need_environment: bool = True,
) -> SourceFile:
    """Load the source system `source_id`.

    With `need_environment=False` a missing environment variable stays as its placeholder, so that
    definitions load on a machine that does not hold the secrets. Raises SettingsError.
    """
    paths = {path.stem: path for path in source_paths(folder)}
    if source_id not in paths:
        known = ", ".join(sorted(paths)) or "none"
        raise SettingsError(
            [Mistake(folder / f"{source_id}.yaml", "", f"there is no such source file; sources here: {known}")]
        )
    return _load(paths[source_id], environment, need_environment=need_environment)


def load_sources(
    folder: Path,
    environment: Mapping[str, str] = os.environ,
    *,
    need_environment: bool = True,
) -> tuple[list[SourceFile], list[Mistake]]:
    """Every usable source file in `folder`, and every mistake in the others."""
    loaded: list[SourceFile] = []
    mistakes: list[Mistake] = []
    by_name: dict[str, Path] = {}
    for path in source_paths(folder):
        try:
            source = _load(path, environment, need_environment=need_environment)
        except SettingsError as error:
            mistakes.extend(error.mistakes)
            continue
        other = by_name.setdefault(source.settings.name, path)
        if other is not path:
            mistakes.append(
                Mistake(path, "name", f"{source.settings.name!r} is the name of {other.name} too; choose another")
            )
            continue
        loaded.append(source)
    return loaded, mistakes


def profile_defaults(profile: str) -> dict[str, Any]:
    """The settings a profile fills in, in the shape of a source file."""
    defaults: dict[str, Any] = packaged_yaml(f"settings/profiles/{profile}.yaml")
    return defaults


def _load(path: Path, environment: Mapping[str, str], *, need_environment: bool) -> SourceFile:
    if not _SOURCE_ID.fullmatch(path.stem):
        raise SettingsError(
            [Mistake(path, "", "a source file is named with small letters, digits and _ only, like maple_usd.yaml")]
        )
    try:
        text = path.read_text("utf-8")
        document = yaml.safe_load(text)
        lines = _lines(yaml.compose(text))
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        raise SettingsError(
            [Mistake(path, "", f"cannot be read as YAML: {problem}", mark.line + 1 if mark else None)]
        ) from None
    if not isinstance(document, dict):
        raise SettingsError([Mistake(path, "", "must hold keys and values: name, profile, connection, …")])

    missing: list[Mistake] = []
    expanded = _expand(document, (), environment, missing, path, lines)
    if missing and need_environment:
        raise SettingsError(missing)

    profile = expanded.get("profile")
    if profile in get_args(Source.model_fields["profile"].annotation):
        expanded = _merge(profile_defaults(profile), expanded, Source)
    try:
        settings = Source.model_validate(expanded)
    except ValidationError as error:
        raise SettingsError(
            [_mistake(details, path, lines, document) for details in error.errors(include_url=False)]
        ) from None
    return SourceFile(path.stem, path, settings)


def _lines(node: yaml.Node | None, key: Key = ()) -> dict[Key, int]:
    """The line on which each key of the document stands."""
    found: dict[Key, int] = {}
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            found[(*key, name.value)] = name.start_mark.line + 1
            found |= _lines(value, (*key, name.value))
    elif isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            found[(*key, position)] = value.start_mark.line + 1
            found |= _lines(value, (*key, position))
    return found


def _expand(
    value: Any, key: Key, environment: Mapping[str, str], missing: list[Mistake], path: Path, lines: dict[Key, int]
) -> Any:
    if isinstance(value, dict):
        return {k: _expand(v, (*key, k), environment, missing, path, lines) for k, v in value.items()}
    if isinstance(value, list):
        return [_expand(v, (*key, i), environment, missing, path, lines) for i, v in enumerate(value)]
    if not isinstance(value, str) or not (names := _VARIABLE.findall(value)):
        return value
    for name in names:
        if not environment.get(name):
            remedy = f"environment variable {name} is not set; set it where the pipeline runs"
            missing.append(Mistake(path, _dotted(key), remedy, lines.get(key)))
    text = _VARIABLE.sub(lambda match: environment.get(match[1]) or match[0], value)
    # A secret is one variable and nothing else: text around it would be a part of the secret in the file.
    return EnvironmentText(text) if _VARIABLE.fullmatch(value) else text


def _merge(defaults: Mapping[str, Any], given: Mapping[str, Any], model: type[BaseModel]) -> dict[str, Any]:
    """Lay the file over the profile: sections merge key by key, values and mapping tables replace."""
    merged = dict(defaults)
    for key, value in given.items():
        field = model.model_fields.get(key)
        inner = field.annotation if field else None
        default = defaults.get(key)
        if isinstance(value, Mapping) and isinstance(default, Mapping) and _is_section(inner):
            merged[key] = _merge(default, value, inner)
        elif key == "roles" and model.__name__ == "Mapping" and isinstance(value, Mapping):
            # Rules of one role are a section of their own; the other roles keep the profile's.
            merged[key] = {**(default or {}), **value}
        else:
            merged[key] = value
    return merged


def _is_section(annotation: Any) -> TypeGuard[type[BaseModel]]:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _mistake(details: ErrorDetails, path: Path, lines: dict[Key, int], document: Any) -> Mistake:
    key = _key_in_file(details["loc"], document)
    line = next((lines[key[:length]] for length in range(len(key), 0, -1) if key[:length] in lines), None)
    return Mistake(path, _dotted(key), _explain(details, key), line)


def _key_in_file(location: Key, document: Any) -> Key:
    """Pydantic's location without what it adds: the branch of a union, the mark of a mapping's key."""
    key: list[str | int] = []
    place = document
    for part in location:
        if part == "[key]":
            continue
        if isinstance(place, dict) and part not in place and place.get("kind") == part:
            continue
        key.append(part)
        place = place.get(part) if isinstance(place, dict) else None
    return tuple(key)


def _explain(details: ErrorDetails, key: Key) -> str:
    kind, given = details["type"], details.get("input")
    if kind == "missing":
        return "is missing; add it"
    if kind == "extra_forbidden":
        return f"is not a setting{_suggestion(key)}; remove it or correct its name"
    if kind == "union_tag_not_found":
        return f"needs the key kind: {details['ctx']['expected_tags'] if 'ctx' in details else ''}"
    message = details["msg"].removeprefix("Value error, ")
    if kind in {"literal_error", "union_tag_invalid"}:
        expected = details.get("ctx", {}).get("expected") or details.get("ctx", {}).get("expected_tags")
        message = f"must be one of {expected}"
    shown = "" if isinstance(given, dict | list | SecretStr | BaseModel) or _is_secret(key) else f"{given!r}: "
    return f"{shown}{message[:1].lower()}{message[1:]}"


def _is_secret(key: Key) -> bool:
    return bool(key) and str(key[-1]) in {"client_secret", "password", "private_key", "refresh_token"}


def _suggestion(key: Key) -> str:
    known = _known_keys(Source, set())
    close = difflib.get_close_matches(str(key[-1]), known, 1)
    return f" (did you mean {close[0]}?)" if close and close[0] != key[-1] else ""


def _known_keys(model: type[BaseModel], seen: set[type[BaseModel]]) -> set[str]:
    if model in seen:
        return set()
    seen.add(model)
    known: set[str] = set()
    for name, field in model.model_fields.items():
        known.add(field.alias or name)
        for inner in _sections_in(field.annotation):
            known |= _known_keys(inner, seen)
    return known


def _sections_in(annotation: Any) -> list[type[BaseModel]]:
    if _is_section(annotation):
        return [annotation]
    return [section for argument in get_args(annotation) for section in _sections_in(argument)]


def _dotted(key: Key) -> str:
    return ".".join(str(part) for part in key)

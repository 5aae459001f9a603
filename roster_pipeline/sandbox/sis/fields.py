"""Reads fields of objects by the names a query uses: `familyName`, `class.sourcedId`, `metadata.grade`."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

from roster_pipeline.sandbox.objects import OneRosterObject
from roster_pipeline.sandbox.wire_names import json_key

#: Gives every value a field has: none, one, or one for each element of a list.
Getter = Callable[[OneRosterObject], list[Any]]


def getter(kind: type[OneRosterObject], path: str) -> Getter | None:
    """How to read the field at `path` of objects of that kind; None when the standard has no such field.

    Of a reference only the sourcedId can be read, because the rest of it is the same for all.
    """
    first, _, rest = path.partition(".")
    if first == "metadata" and rest:
        return lambda item: _present((item.metadata or {}).get(rest))
    for field in fields(kind):
        if field.metadata.get("internal") or json_key(field.name) != first:
            continue
        name = field.name
        if name == "user_ids" and rest in ("type", "identifier"):
            position = ("type", "identifier").index(rest)
            return lambda item: [pair[position] for pair in getattr(item, name)]
        is_reference = name.endswith(("_sourced_id", "_sourced_ids"))
        if rest != ("sourcedId" if is_reference else ""):
            return None
        return lambda item: _present(getattr(item, name))
    return None


def names_of(kind: type[OneRosterObject]) -> set[str]:
    """The top-level keys of a kind's JSON."""
    return {json_key(field.name) for field in fields(kind) if not field.metadata.get("internal")} | {"metadata"}


def _present(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, tuple) else [value]

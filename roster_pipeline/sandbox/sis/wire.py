"""Objects as JSON of the OneRoster 1.1 REST binding."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any
from urllib.parse import quote

import orjson

from roster_pipeline.sandbox.district import District
from roster_pipeline.sandbox.objects import AcademicSession, OneRosterObject, Org
from roster_pipeline.sandbox.wire_names import json_key

Json = dict[str, Any]

#: What a reference refers to: its GUIDRef type, and the collection its href leads to.
_REFERENCES = {
    "agents": ("user", "users"),
    "category": ("category", "categories"),
    "class": ("class", "classes"),
    "course": ("course", "courses"),
    "gradingPeriod": ("academicSession", "gradingPeriods"),
    "lineItem": ("lineItem", "lineItems"),
    "org": ("org", "orgs"),
    "orgs": ("org", "orgs"),
    "school": ("org", "schools"),
    "schoolYear": ("academicSession", "academicSessions"),
    "student": ("user", "students"),
    "terms": ("academicSession", "terms"),
    "user": ("user", "users"),
}
#: Kinds that form a tree.
_TREES: dict[type[OneRosterObject], tuple[str, str]] = {
    Org: ("org", "orgs"),
    AcademicSession: ("academicSession", "academicSessions"),
}


class Wire:
    """Turns a district's objects into JSON, and keeps the text of each until it changes."""

    def __init__(self, district: District, endpoint_url: str) -> None:
        self._district = district
        self._endpoint_url = endpoint_url
        self._converters: dict[type[OneRosterObject], list[tuple[str, str, Callable[[Any], Any]]]] = {}
        self._texts: dict[type[OneRosterObject], dict[str, tuple[OneRosterObject, bytes]]] = defaultdict(dict)
        self._children: dict[type[OneRosterObject], tuple[int, dict[str, list[str]]]] = {}

    def text(self, item: OneRosterObject) -> bytes:
        """The JSON text of an object."""
        texts = self._texts[type(item)]
        kept = texts.get(item.sourced_id)
        # Objects are immutable, so the same object has the same text; trees also show who refers to them.
        if kept is None or kept[0] is not item or type(item) in _TREES:
            kept = texts[item.sourced_id] = (item, orjson.dumps(self.json(item)))
        return kept[1]

    def json(self, item: OneRosterObject) -> Json:
        """An object as JSON. What is optional and not there is left out."""
        kind = type(item)
        converters = self._converters.get(kind)
        if converters is None:
            converters = self._converters[kind] = self._make_converters(kind)
        result: Json = {}
        for name, key, convert in converters:
            value = getattr(item, name)
            if value is not None:
                result[key] = convert(value)
        if kind in _TREES:
            children = self._children_of(kind).get(item.sourced_id, [])
            result["children"] = [self._reference(*_TREES[kind], child) for child in children]
        if item.metadata is not None:
            result["metadata"] = dict(item.metadata)
        return result

    def _make_converters(self, kind: type[OneRosterObject]) -> list[tuple[str, str, Callable[[Any], Any]]]:
        converters: list[tuple[str, str, Callable[[Any], Any]]] = []
        for field in fields(kind):
            if field.metadata.get("internal"):
                continue
            key = json_key(field.name)
            if field.name == "user_ids":
                converters.append((field.name, key, _typed_ids))
            elif field.name.endswith(("_sourced_id", "_sourced_ids")):
                to, collection = _TREES[kind] if key == "parent" else _REFERENCES[key]
                many = field.name.endswith("s")
                converters.append((field.name, key, self._reference_converter(to, collection, many=many)))
            else:
                converters.append((field.name, key, _plain))
        return converters

    def _reference_converter(self, to: str, collection: str, *, many: bool) -> Callable[[Any], Any]:
        if many:
            return lambda ids: [self._reference(to, collection, sourced_id) for sourced_id in ids]
        return lambda sourced_id: self._reference(to, collection, sourced_id)

    def _reference(self, to: str, collection: str, sourced_id: str) -> Json:
        href = f"{self._endpoint_url}/{collection}/{quote(sourced_id, safe='')}"
        return {"href": href, "sourcedId": sourced_id, "type": to}

    def _children_of(self, kind: type[OneRosterObject]) -> Mapping[str, list[str]]:
        version = self._district.version(kind)
        kept = self._children.get(kind)
        if kept is None or kept[0] != version:
            children: dict[str, list[str]] = defaultdict(list)
            for item in self._district.all(kind).values():
                parent = getattr(item, "parent_sourced_id")  # noqa: B009 - both kinds of tree have it, their base not
                if parent:
                    children[parent].append(item.sourced_id)
            kept = self._children[kind] = (version, children)
        return kept[1]


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _typed_ids(pairs: tuple[tuple[str, str], ...]) -> list[Json]:
    return [{"type": kind, "identifier": identifier} for kind, identifier in pairs]

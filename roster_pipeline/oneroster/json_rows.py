"""Rows of the REST binding into the raw columns: every envelope, shape and letter case that servers send."""

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import orjson
import pyarrow as pa

from roster_pipeline.oneroster.errors import decode_json
from roster_pipeline.oneroster.extract import Finding
from roster_pipeline.oneroster.findings import finding
from roster_pipeline.oneroster.json_columns import StandardPages
from roster_pipeline.oneroster.raw_parquet import batch_schema
from roster_pipeline.oneroster.resources import METADATA, Field, Resource, is_password

Row = dict[str, Any]

#: Keys of the object model that rostering does not need: they only repeat what other rows say.
_REPEATED_ELSEWHERE = frozenset({"children", "resources", "password"})
_NOT_ROWS = frozenset({"statusinfoset", "imsx_statusinfoset", "metadata", "links", "_links", "warnings", "errors"})


class EnvelopeError(ValueError):
    """The answer holds no list of rows. The message names the keys that are there."""


def rows_of(resource: Resource, body: Any) -> list[Any]:
    """The rows in a decoded answer. Raises EnvelopeError.

    The standard wraps them in an object, under the plural key. Accepted too: the array alone, the array under
    another key, one row instead of an array, null or nothing for an empty set.
    """
    if body is None:
        return []
    if isinstance(body, list):
        return body
    if not isinstance(body, dict):
        raise EnvelopeError(f"a {type(body).__name__} instead of an object")
    by_small_name = {key.lower(): value for key, value in body.items()}
    for key in (*resource.envelopes, resource.singular):
        if key.lower() in by_small_name:
            return _as_list(by_small_name[key.lower()])
    if "sourcedid" in by_small_name:
        return [body]
    rest = {key: value for key, value in body.items() if key.lower() not in _NOT_ROWS and not key.startswith("imsx_")}
    lists = [value for value in rest.values() if isinstance(value, list)]
    if len(lists) == 1:
        return list(lists[0])
    if not rest or all(value is None for value in rest.values()):
        return []
    raise EnvelopeError(f"no {resource.envelopes[0]} among the keys {', '.join(sorted(rest)[:10])}")


def sourced_id(row: Any) -> str | None:
    """The row's own id, in whatever letter case its key is."""
    return _reference(row) if isinstance(row, dict) else None


class JsonRows:
    """Turns pages of rows into batches of the raw columns, and remembers what was odd about them; for all threads."""

    def __init__(self, resource: Resource) -> None:
        self.resource = resource
        self.findings: list[Finding] = []
        self.skipped = 0
        """Rows that were no objects."""
        self._schema = batch_schema(resource)
        self._standard: StandardPages | None = StandardPages(resource)
        self._reported: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    def decode(self, content: bytes) -> Any:
        """A page as columns already, when it keeps to the standard, else the decoded JSON. Raises ValueError."""
        standard = self._standard
        batch = standard.read(content) if standard else None
        if batch is not None:
            return batch
        decoded = decode_json(content)
        # A service that departs from the standard once does so on every page.
        self._standard = None
        return decoded

    def page(self, body: Any) -> pa.RecordBatch:
        """What `decode` made of an answer as raw columns. Raises EnvelopeError."""
        return body if isinstance(body, pa.RecordBatch) else self.batch(rows_of(self.resource, body))

    def batch(self, rows: Sequence[Any]) -> pa.RecordBatch:
        """The rows as raw columns, without their places in the feed."""
        objects = [row for row in rows if isinstance(row, dict)]
        if len(objects) < len(rows):
            with self._lock:
                self.skipped += len(rows) - len(objects)
            self._report("row.not_an_object", "")
        keys = set[str]().union(*objects)
        columns: list[pa.Array[Any]] = []
        used: set[str] = set()
        for each in self.resource.fields:
            names = _names_for(each, keys)
            used.update(names)
            convert = _CONVERTERS[each.kind]
            values = _column(objects, names, convert) if names else [convert(None)] * len(objects)
            columns.append(pa.array(values, pa.list_(pa.string()) if each.is_list else pa.string()))
        extra = sorted(key for key in keys - used if key.lower() not in _REPEATED_ELSEWHERE)
        metadata = [self._metadata(row, extra) for row in objects] if extra else [None] * len(objects)
        columns.append(pa.array(metadata, pa.string()))
        return pa.RecordBatch.from_arrays(columns, schema=self._schema)

    def _metadata(self, row: Row, extra: Iterable[str]) -> str | None:
        found: Row = {}
        for key in extra:
            value = row.get(key)
            if value is None:
                continue
            if key.lower() == METADATA and isinstance(value, dict):
                found.update(self._without_passwords(value))
            elif is_password(key):
                self._report("container.password_dropped", key)
            else:
                if key.lower() != METADATA:
                    self._report("container.unknown_column", key)
                found[key] = value
        return orjson.dumps(found).decode() if found else None

    def _without_passwords(self, metadata: Row) -> Row:
        kept: Row = {}
        for key, value in metadata.items():
            if is_password(key):
                self._report("container.password_dropped", f"metadata.{key}")
            elif value is not None:
                kept[key] = value
        return kept

    def _report(self, code: str, detail: str) -> None:
        with self._lock:
            if (code, detail) not in self._reported:
                self._reported.add((code, detail))
                self.findings.append(finding(code, self.resource.singular, detail=detail))


def _names_for(each: Field, keys: Iterable[str]) -> list[str]:
    """The keys of the rows that hold the field: its own first, then the CSV binding's, each in any letter case."""
    wanted = [name.lower() for name in (each.json, each.name, *each.aliases)]
    found = [key for key in keys if key.lower() in wanted]
    return sorted(found, key=lambda key: (key != each.json, wanted.index(key.lower())))


def _column(rows: list[Row], names: list[str], convert: Callable[[Any], Any]) -> list[Any]:
    if len(names) == 1:
        name = names[0]
        return [convert(row.get(name)) for row in rows]
    return [convert(next((row[name] for name in names if row.get(name) is not None), None)) for row in rows]


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _value(value: Any) -> str | None:
    """One value as text, as the CSV binding would write it."""
    if value is None or value.__class__ is str:
        return value or None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list):
        return ",".join(_values(value)) or None
    return _reference(value) or orjson.dumps(value).decode()


def _values(value: Any) -> list[str]:
    if not value and value != 0:
        return []
    if isinstance(value, str):
        # Several values in one text, as in the CSV binding.
        return [item for item in map(str.strip, value.split(",")) if item]
    return [text for item in _as_list(value) if (text := _value(item))]


def _reference(value: Any) -> str | None:
    """The sourcedId that a reference leads to; href and type are not to be relied on."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, dict):
        found = value.get("sourcedId")
        if isinstance(found, str):
            return found or None
        if found is None:
            found = next((inner for key, inner in value.items() if key.lower() == "sourcedid"), None)
        return _value(found) if not isinstance(found, dict | list) else None
    if isinstance(value, list):
        return next(iter(_references(value)), None)
    return _value(value)


def _references(value: Any) -> list[str]:
    if not value and value != 0:
        return []
    return [text for item in _as_list(value) if (text := _reference(item))]


def _typed_ids(value: Any) -> list[str]:
    if not value and value != 0:
        return []
    return [text for item in _as_list(value) if (text := _typed_id(item))]


def _typed_id(value: Any) -> str | None:
    """An id of another system, as `type:identifier`."""
    if not isinstance(value, dict):
        text = _value(value)
        return text.strip(" {}") or None if text else None
    identifier, kind = value.get("identifier"), value.get("type")
    if isinstance(identifier, str) and isinstance(kind, str) and identifier and kind:
        return f"{kind}:{identifier}"
    plain = {key.lower(): inner for key, inner in value.items()}
    identifier, kind = _value(plain.get("identifier")), _value(plain.get("type"))
    if identifier is None:
        return None
    return f"{kind}:{identifier}" if kind else identifier


_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "value": _value,
    "values": _values,
    "reference": _reference,
    "references": _references,
    "typed_ids": _typed_ids,
}

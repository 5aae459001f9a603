"""Pages of services that keep to the standard to the letter, straight into columns.

Arrow's JSON reader takes a third of the time that objects of the interpreter take, and does not hold its lock while
other connections wait. It is trusted only with what means the same to `json_rows`; everything else is left to that.
"""

from typing import IO, Any, cast

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import json

from roster_pipeline.oneroster.raw_parquet import batch_schema
from roster_pipeline.oneroster.resources import Field, Resource

_REFERENCE = pa.struct([("href", pa.string()), ("sourcedId", pa.string()), ("type", pa.string())])
_EMPTY = pa.scalar("")
_TYPED_ID = pa.struct([("type", pa.string()), ("identifier", pa.string())])
#: Keys of the object model that rostering does not need; a password is read over and never becomes a column.
_PASSED_OVER = [("children", pa.list_(_REFERENCE)), ("resources", pa.list_(_REFERENCE)), ("password", pa.string())]


class StandardPages:
    """Reads pages of one resource."""

    def __init__(self, resource: Resource) -> None:
        self._resource = resource
        self._schema = batch_schema(resource)
        row = pa.struct([*((each.json, _json_type(each)) for each in resource.fields), *_PASSED_OVER])
        self._options = json.ParseOptions(
            explicit_schema=pa.schema([(resource.envelopes[0], pa.list_(row))]),
            newlines_in_values=True,
            unexpected_field_behavior="error",
        )

    def read(self, content: bytes) -> pa.RecordBatch | None:
        """The rows of a page as raw columns; None when anything about it is otherwise than the standard has it."""
        try:
            page = json.read_json(
                cast("IO[bytes]", pa.BufferReader(content)),
                json.ReadOptions(use_threads=False, block_size=len(content) + 1),
                self._options,
            )
            if page.num_rows != 1 or page.column(0).null_count:
                return None
            rows = cast("Any", page.column(0).combine_chunks()).flatten()
            if rows.null_count:
                return None
            columns = [_column(each, rows.field(each.json)) for each in self._resource.fields]
            if any(column is None for column in columns):
                return None
            batch = pa.RecordBatch.from_arrays([*columns, pa.nulls(len(rows), pa.string())], schema=self._schema)
            # Arrow's reader takes bytes that are no UTF-8 as they come.
            batch.validate(full=True)
        except pa.ArrowInvalid:
            return None
        return batch


def _json_type(each: Field) -> pa.DataType:
    match each.kind:
        case "value":
            return pa.bool_() if each.is_boolean else pa.string()
        case "values":
            return pa.list_(pa.string())
        case "reference":
            return _REFERENCE
        case "references":
            return pa.list_(_REFERENCE)
        case "typed_ids":
            return pa.list_(_TYPED_ID)


def _column(each: Field, values: Any) -> Any:
    """The raw column; None where a value is not as the standard has it."""
    match each.kind:
        case "value":
            return _without_empty(values.cast(pa.string()))
        case "reference":
            ids = values.field("sourcedId")
            # A reference without an id may have it under a key in other letters.
            return _without_empty(ids) if ids.null_count == values.null_count else None
        case "values":
            items = values.flatten()
        case "references":
            items = values.flatten().field("sourcedId")
        case "typed_ids":
            pairs = values.flatten()
            if _has_gaps(pairs.field("type")) or _has_gaps(pairs.field("identifier")):
                return None
            items = pc.binary_join_element_wise(pairs.field("type"), pairs.field("identifier"), ":")
    return None if _has_gaps(items) else _lists(values, items)


def _without_empty(values: Any) -> Any:
    """Empty text is no value, as in the CSV binding."""
    return pc.if_else(pc.equal(values, _EMPTY), pa.scalar(None, pa.string()), values)


def _has_gaps(items: Any) -> bool:
    return bool(items.null_count or pc.any(pc.equal(items, _EMPTY)).as_py())


def _lists(values: Any, items: Any) -> Any:
    """Lists as long as those of `values`, of `items`; a list that is null is empty."""
    lengths = pc.fill_null(pc.list_value_length(values), 0)
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(lengths)])
    return pa.ListArray.from_arrays(offsets, items)

"""The raw Parquet file of a resource: its columns, its place, and how it becomes visible only when it is whole."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from roster_pipeline.home import PRIVATE_FILE
from roster_pipeline.oneroster.resources import METADATA, POSITION, Resource


def raw_path(snapshot: Path, resource: Resource) -> Path:
    """Where the resource's file lies in a snapshot."""
    return snapshot / f"{resource.name}.parquet"


def raw_schema(resource: Resource) -> pa.Schema:
    """The columns that every raw file of the resource has, whatever it was read from."""
    return pa.schema(
        [
            *((field.name, pa.list_(pa.string()) if field.is_list else pa.string()) for field in resource.fields),
            (METADATA, pa.string()),
            (POSITION, pa.int64()),
        ]
    )


def batch_schema(resource: Resource) -> pa.Schema:
    """The raw columns of rows whose places in the feed are not known yet."""
    return pa.schema([field for field in raw_schema(resource) if field.name != POSITION])


def write_empty(resource: Resource, path: Path) -> None:
    """A raw file without rows."""
    with becoming(path) as partial:
        pq.write_table(raw_schema(resource).empty_table(), partial, compression="zstd")


@contextmanager
def becoming(path: Path) -> Iterator[Path]:
    """A private file to write into, which takes the name `path` when the block ends well and vanishes otherwise."""
    partial = path.with_name(f".{path.name}.partial")
    partial.touch(mode=PRIVATE_FILE)
    try:
        yield partial
        partial.chmod(PRIVATE_FILE)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)

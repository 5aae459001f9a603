"""DuckDB as a tool in memory: bounded, and with its spilled data in a private place that is swept up."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from roster_pipeline.home import private_folder

#: Reading streams; this is room for Parquet's row groups and for sorting ids.
_MEMORY = "1GiB"


@contextmanager
def working_database(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory that may spill into `folder`; nothing of it stays there."""
    spill = private_folder(folder / ".spill")
    try:
        with duckdb.connect(config={"memory_limit": _MEMORY, "temp_directory": str(spill)}) as database:
            yield database
    finally:
        for left in spill.iterdir():
            left.unlink()
        spill.rmdir()

"""What a district needs beyond the limit is told with its remedy, and nothing of it is written."""

from pathlib import Path

import pytest

from roster_pipeline.home import Home
from roster_pipeline.warehouse.connection import Warehouse
from roster_pipeline.warehouse.database import WarehouseError


def _write_what_takes_100_megabytes(warehouse: Warehouse) -> None:
    with warehouse.transaction("oak", "2026-2027") as session:
        session.execute("INSERT INTO sync.connection_tests (source_id) VALUES ('oak')")
        # One value cannot be spilled in part.
        session.value("SELECT length(string_agg(repeat('x', 1000), '')) FROM range(100000)")


def test_too_little_memory_is_told_with_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    warehouse = Warehouse(Home(tmp_path))
    monkeypatch.setenv("ROSTER_MEMORY_LIMIT", "20MiB")
    with pytest.raises(
        WarehouseError, match=r"more memory than DuckDB may use, 20MiB.*Set ROSTER_MEMORY_LIMIT to more"
    ):
        _write_what_takes_100_megabytes(warehouse)
    monkeypatch.delenv("ROSTER_MEMORY_LIMIT")
    with warehouse.transaction("oak", "2026-2027") as session:
        assert session.value("SELECT count(*) FROM sync.connection_tests") == 0

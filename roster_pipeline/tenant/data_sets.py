"""Reads the tenant from its Brightspace Data Sets: whole tables in bulk, as old as the newest extract."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from roster_pipeline.brightspace.client import BrightspaceClient
from roster_pipeline.brightspace.data_set_schemas import ENROLLMENTS, ORG_UNIT_PARENTS, ORG_UNITS, USERS, Schema
from roster_pipeline.home import PRIVATE_FILE
from roster_pipeline.tenant.reading import SCHEMAS, Reading, RowFile, Times, Wanted
from roster_pipeline.warehouse.connection import sql_text
from roster_pipeline.warehouse.literal import literal

_MEMORY = "512MiB"


def read_data_sets(client: BrightspaceClient, wanted: Wanted, folder: Path) -> Reading:
    """Write what is wanted into `folder`. Raises BrightspaceError."""
    for name in SCHEMAS:
        with RowFile(folder, name) as file:
            if name == "roles":
                for role in client.organization.roles():
                    file.add(role.id, role.name, role.code)
    times: dict[str, Times] = {}
    working = folder / "working"
    with duckdb.connect(str(folder / "working.duckdb"), config={"memory_limit": _MEMORY}) as database:
        database.execute("SET TimeZone = 'UTC'")

        def load(schema: Schema, table: str) -> None:
            loaded = client.data_hub.load(schema, database, table, working)
            times[table] = Times(_utc(loaded.full_as_of), _utc(loaded.as_of))

        _load(database, wanted, folder, load)
    for path in folder.glob("working.duckdb*"):
        path.unlink()
    if working.exists():
        working.rmdir()
    return Reading(folder, "data_sets", wanted, times)


def _load(
    database: duckdb.DuckDBPyConnection, wanted: Wanted, folder: Path, load: Callable[[Schema, str], None]
) -> None:
    database.execute("SET VARIABLE wanted = $path", {"path": str(wanted.units)})
    database.execute("SET VARIABLE folder = $path", {"path": str(folder)})
    if wanted.users:
        load(USERS, "users")
        _write(database, folder, "users", "existing/data_sets/users")
        _write(database, folder, "user_roles", "existing/data_sets/user_roles")
    if not wanted.org_units:
        return
    load(ORG_UNITS, "org_units")
    _write(database, folder, "org_units", "existing/data_sets/org_units")
    _write(database, folder, "courses", "existing/data_sets/courses")
    database.execute(f"CREATE TEMP TABLE asked AS {sql_text('existing/units_to_ask')}")
    asks = database.execute("SELECT bool_or(parents), bool_or(enrollments) FROM asked").fetchall()[0]
    if asks[0]:
        load(ORG_UNIT_PARENTS, "org_unit_parents")
        _write(database, folder, "org_unit_parents", "existing/data_sets/org_unit_parents")
    if asks[1]:
        load(ENROLLMENTS, "enrollments")
        _write(database, folder, "enrollments", "existing/data_sets/enrollments")


def _write(database: duckdb.DuckDBPyConnection, folder: Path, name: str, query: str) -> None:
    path = folder / f"{name}.parquet"
    database.execute(f"COPY ({sql_text(query)}) TO {literal(str(path))} (FORMAT parquet, COMPRESSION zstd)")
    path.chmod(PRIVATE_FILE)


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)

"""Kind `rest`: the six rostering collections of a OneRoster 1.1 service into raw Parquet."""

from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from roster_pipeline.oneroster.errors import RestError
from roster_pipeline.oneroster.extract import Extract, ExtractedResource, ExtractError, Finding, Progress
from roster_pipeline.oneroster.findings import finding
from roster_pipeline.oneroster.json_rows import JsonRows
from roster_pipeline.oneroster.paging import CollectionReader
from roster_pipeline.oneroster.raw_parquet import becoming, raw_path, raw_schema
from roster_pipeline.oneroster.resources import ROSTER_RESOURCES, Resource
from roster_pipeline.oneroster.rest_client import RestClient
from roster_pipeline.oneroster.retry import RetryPolicy
from roster_pipeline.oneroster.sql_files import escaped, statement
from roster_pipeline.oneroster.working_database import working_database
from roster_pipeline.settings.connection import Rest

#: Pages are gathered to row groups of this many rows before they are written.
_ROW_GROUP = 50_000
#: A collection whose totals move while it is read is read once more.
_READINGS = 2


@dataclass
class _Reading:
    """One reading of a collection."""

    rows: int
    distinct: int
    first_total: int | None
    latest_total: int | None
    findings: list[Finding]
    skipped: int

    @property
    def is_stable(self) -> bool:
        """Whether nothing moved while paging, as far as the totals tell."""
        if self.first_total != self.latest_total:
            return False
        return self.latest_total is None or self.distinct >= self.latest_total


class RestExtractor:
    """A OneRoster 1.1 REST service."""

    def __init__(self, settings: Rest, policy: RetryPolicy | None = None) -> None:
        self._settings = settings
        self._policy = policy

    def extract(self, destination: Path, progress: Progress) -> Extract:
        """Write `<resource>.parquet` for the six resources into `destination`. Raises ExtractError."""
        # Collections side by side, so that the short ones do not leave connections idle.
        together = min(self._settings.concurrency, len(ROSTER_RESOURCES))
        with (
            RestClient(self._settings, policy=self._policy) as client,
            working_database(destination) as database,
            ThreadPoolExecutor(together, thread_name_prefix="collection") as pool,
        ):
            try:
                return _gathered(
                    {
                        resource.name: pool.submit(self._collection, client, database, resource, destination, progress)
                        for resource in ROSTER_RESOURCES
                    }
                )
            except BaseException:
                client.stop()
                pool.shutdown(cancel_futures=True)
                for resource in ROSTER_RESOURCES:
                    raw_path(destination, resource).unlink(missing_ok=True)
                raise

    def _collection(
        self,
        client: RestClient,
        database: duckdb.DuckDBPyConnection,
        resource: Resource,
        destination: Path,
        progress: Progress,
    ) -> tuple[ExtractedResource, list[Finding]]:
        path = raw_path(destination, resource)
        reading = self._read(client, database, resource, path, progress)
        for _ in range(_READINGS - 1):
            if reading.is_stable:
                break
            reading = self._read(client, database, resource, path, progress)
        findings = reading.findings
        duplicates = reading.rows - reading.distinct
        if duplicates:
            detail = f"{duplicates:,} of {reading.rows:,} rows"
            findings.append(finding("paging.duplicates", resource.singular, detail=detail))
        if not reading.is_stable:
            detail = f"totals {reading.first_total} and {reading.latest_total}, {reading.distinct:,} rows"
            findings.append(finding("paging.unstable", resource.singular, detail=detail))
        extracted = ExtractedResource(
            resource.name, path, reading.distinct, unstable=not reading.is_stable or reading.skipped > 0
        )
        return extracted, findings

    def _read(
        self,
        client: RestClient,
        database: duckdb.DuckDBPyConnection,
        resource: Resource,
        path: Path,
        progress: Progress,
    ) -> _Reading:
        rows = JsonRows(resource)
        reader = CollectionReader(
            client, rows, page_size=self._settings.page_size, concurrency=self._settings.concurrency
        )
        with becoming(path) as partial:
            try:
                written = _write(
                    reader,
                    raw_schema(resource),
                    partial,
                    lambda count: progress(resource.name, count, reader.latest_total),
                )
            except RestError as error:
                raise _explained(resource, error) from None
        distinct = _without_duplicates(database, path, written)
        return _Reading(written, distinct, reader.first_total, reader.latest_total, rows.findings, rows.skipped)


def _gathered(collections: dict[str, Future[tuple[ExtractedResource, list[Finding]]]]) -> Extract:
    """The extract, once all collections have come; raises what stopped the first of them to fail."""
    wait(collections.values(), return_when=FIRST_EXCEPTION)
    for future in collections.values():
        if future.done():
            future.result()
    extract = Extract({})
    for name, future in collections.items():
        extract.resources[name], findings = future.result()
        extract.findings += findings
    return extract


def _write(reader: CollectionReader, schema: pa.Schema, path: Path, progress: Callable[[int], None]) -> int:
    """Write the collection's rows as they come, each with its place in the feed; answers how many."""
    written = 0
    waiting: list[pa.Table] = []
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for page in reader.pages():
            positions = pa.array(range(written + 1, written + page.num_rows + 1), pa.int64())
            waiting.append(pa.table([*page.columns, positions], schema=schema))
            written += page.num_rows
            if sum(table.num_rows for table in waiting) >= _ROW_GROUP:
                writer.write_table(pa.concat_tables(waiting))
                waiting = []
            progress(written)
        if waiting:
            writer.write_table(pa.concat_tables(waiting))
    return written


def _without_duplicates(database: duckdb.DuckDBPyConnection, path: Path, written: int) -> int:
    """Leave one row for each sourcedId in the file; answers how many rows stay."""
    with database.cursor() as cursor:
        counted = cursor.execute(
            f"SELECT count(DISTINCT sourcedId) + count(*) FILTER (sourcedId IS NULL) "
            f"FROM read_parquet('{escaped(str(path))}')"
        ).fetchall()
        distinct = int(counted[0][0])
        if distinct < written:
            with becoming(path) as partial:
                cursor.execute(statement("without_duplicates", source=path, target=partial))
    return distinct


def _explained(resource: Resource, error: RestError) -> ExtractError:
    """The error, with what a refusal of a whole collection usually means."""
    if error.status == 404:
        return ExtractError(
            f"{error} All of {resource.name} is missing: without it the roster cannot be read, "
            "and nobody is removed because of it."
        )
    return error

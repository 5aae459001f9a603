"""Kind `folder`: a folder or a zip of OneRoster 1.1 CSV files into raw Parquet."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb

from roster_pipeline.oneroster.archive import Package, open_package, sha256
from roster_pipeline.oneroster.csv_file import CsvResult, csv_to_parquet
from roster_pipeline.oneroster.delta import apply_delta, carry_over
from roster_pipeline.oneroster.extract import Extract, ExtractedResource, Progress
from roster_pipeline.oneroster.manifest import MANIFEST, Manifest, read_manifest
from roster_pipeline.oneroster.raw_parquet import raw_path, write_empty
from roster_pipeline.oneroster.resources import ROSTER_RESOURCES, Resource
from roster_pipeline.oneroster.working_database import working_database


class CsvBundle:
    """A OneRoster CSV package at a place of this machine."""

    def __init__(self, path: Path, previous: Path | None = None) -> None:
        """`previous` is the folder of the last whole state's Parquet files, over which a delta package is laid."""
        self._path = path
        self._previous = previous

    def extract(self, destination: Path, progress: Progress) -> Extract:
        """Write `<resource>.parquet` for the six resources into `destination`. Raises ExtractError."""
        with open_package(self._path) as package, working_database(destination) as database:
            manifest = read_manifest(package)
            try:
                present = [resource for resource in ROSTER_RESOURCES if manifest.modes[resource.name] != "absent"]
                results = _read_files(database, package, present, destination, progress)
                return self._completed(database, package, manifest, results, destination)
            except BaseException:
                for resource in ROSTER_RESOURCES:
                    raw_path(destination, resource).unlink(missing_ok=True)
                raise

    def _completed(
        self,
        database: duckdb.DuckDBPyConnection,
        package: Package,
        manifest: Manifest,
        results: dict[str, CsvResult],
        destination: Path,
    ) -> Extract:
        """The whole state: what was read, laid over or filled up from the last one."""
        extract = Extract({}, [*package.findings, *manifest.findings])
        for resource in ROSTER_RESOURCES:
            mode = manifest.modes[resource.name]
            result = results.get(resource.name)
            if result is None:
                rows = carry_over(database, resource, self._previous, destination)
                if rows is None:
                    write_empty(resource, raw_path(destination, resource))
                result = CsvResult(rows or 0, complete=True)
            elif mode == "delta":
                place = package.describe(MANIFEST)
                result.rows = apply_delta(database, resource, self._previous, destination, place)
            extract.findings += result.findings
            extract.resources[resource.name] = ExtractedResource(
                resource.name, raw_path(destination, resource), result.rows, mode, unstable=not result.complete
            )
        if self._path.is_file():
            extract.package_hash = sha256(self._path)
        return extract


def _read_files(
    database: duckdb.DuckDBPyConnection,
    package: Package,
    present: list[Resource],
    destination: Path,
    progress: Progress,
) -> dict[str, CsvResult]:
    # A file is read in order and so by one thread; files side by side keep all processors at work. Largest first.
    # More threads in the database would only look for work that is not there.
    database.execute("SET threads = 1")
    present = sorted(present, key=lambda resource: -package.size(_file_name(resource)))
    with ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="csv") as pool:
        futures = {
            resource.name: pool.submit(_read_file, database, package, resource, destination, progress)
            for resource in present
        }
        try:
            return {name: future.result() for name, future in futures.items()}
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
        finally:
            database.execute("RESET threads")


def _read_file(
    database: duckdb.DuckDBPyConnection, package: Package, resource: Resource, destination: Path, progress: Progress
) -> CsvResult:
    name = _file_name(resource)
    with package.open(name) as source:
        return csv_to_parquet(
            database,
            resource,
            source,
            package.describe(name),
            raw_path(destination, resource),
            lambda lines: progress(resource.name, lines, None),
        )


def _file_name(resource: Resource) -> str:
    return f"{resource.name}.csv".lower()

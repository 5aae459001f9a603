"""Kind `folder`: a folder or a zip of OneRoster 1.1 CSV files into raw Parquet."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb

from roster_pipeline.oneroster.archive import Package, open_package, sha256
from roster_pipeline.oneroster.csv_file import CsvResult, csv_to_parquet
from roster_pipeline.oneroster.extract import Extract, ExtractedResource, Finding, Progress
from roster_pipeline.oneroster.manifest import Manifest, read_manifest
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
        with open_package(self._path) as package:
            manifest = read_manifest(package)
            try:
                return self._extract(package, manifest, destination, progress)
            except BaseException:
                for resource in ROSTER_RESOURCES:
                    raw_path(destination, resource).unlink(missing_ok=True)
                raise

    def _extract(self, package: Package, manifest: Manifest, destination: Path, progress: Progress) -> Extract:
        findings: list[Finding] = [*package.findings, *manifest.findings]
        present = [resource for resource in ROSTER_RESOURCES if manifest.modes[resource.name] != "absent"]
        results = _read_files(package, present, destination, progress)
        resources: dict[str, ExtractedResource] = {}
        for resource in ROSTER_RESOURCES:
            path = raw_path(destination, resource)
            result = results.get(resource.name)
            if result is None:
                write_empty(resource, path)
                result = CsvResult(rows=0, complete=True)
            findings += result.findings
            resources[resource.name] = ExtractedResource(
                resource.name, path, result.rows, manifest.modes[resource.name], unstable=not result.complete
            )
        return Extract(resources, findings, package_hash=sha256(self._path) if self._path.is_file() else None)


def _read_files(
    package: Package, present: list[Resource], destination: Path, progress: Progress
) -> dict[str, CsvResult]:
    # A file is read in order and so by one thread; files side by side keep all processors at work. Largest first.
    present = sorted(present, key=lambda resource: -package.size(_file_name(resource)))
    with (
        working_database(destination) as database,
        ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="csv") as pool,
    ):
        futures = {
            resource.name: pool.submit(_read_file, database, package, resource, destination, progress)
            for resource in present
        }
        try:
            return {name: future.result() for name, future in futures.items()}
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


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

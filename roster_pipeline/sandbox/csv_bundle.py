"""Writes a district as a OneRoster 1.1 CSV package: a folder, or a zip when the name ends in `.zip`."""

import csv
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import Field, fields
from pathlib import Path
from typing import IO, Any, Literal

from roster_pipeline.home import PRIVATE_FILE, private_folder
from roster_pipeline.sandbox.objects import KINDS, OneRosterObject
from roster_pipeline.sandbox.wire_names import camel_case

#: Every file the manifest of OneRoster 1.1 lists, in its order.
MANIFEST_FILES = (
    "academicSessions",
    "categories",
    "classes",
    "classResources",
    "courses",
    "courseResources",
    "demographics",
    "enrollments",
    "lineItems",
    "orgs",
    "resources",
    "results",
    "users",
)
_MANIFEST = "manifest.csv"


def write_csv_bundle(
    objects: Iterable[OneRosterObject], destination: Path, mode: Literal["bulk", "delta"] = "bulk"
) -> Path:
    """Write the objects of a district, or some of them, to `destination` and return it.

    In mode `bulk` status and dateLastModified are blank and objects `tobedeleted` are left out, because a bulk file
    is the current set. A file without rows is not written and stands as `absent` in the manifest.
    Source: OneRoster 1.1 CSV tables, sections 2 to 4.
    """
    if destination.suffix.lower() != ".zip":
        _write_folder(objects, private_folder(destination), mode)
        return destination
    private_folder(destination.parent)
    with tempfile.TemporaryDirectory(dir=destination.parent) as folder:
        _write_folder(objects, Path(folder), mode)
        package = Path(folder) / "package.tmp"
        with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for file in sorted(Path(folder).glob("*.csv")):
                archive.write(file, file.name)
        package.chmod(PRIVATE_FILE)
        package.replace(destination)
    return destination


def csv_header(kind: type[OneRosterObject]) -> list[str]:
    """The header row of a kind's file."""
    return [camel_case(field.name) for field in _columns(kind)]


def _columns(kind: type[OneRosterObject]) -> list[Field[Any]]:
    return [field for field in fields(kind) if not field.metadata.get("internal")]


def _write_folder(objects: Iterable[OneRosterObject], folder: Path, mode: str) -> None:
    names = {kind: name for name, kind in KINDS.items()}
    for name in KINDS:
        # A bundle of another night may have stood here.
        (folder / f"{name}.csv").unlink(missing_ok=True)
    writers: dict[type[OneRosterObject], Callable[[OneRosterObject], object]] = {}
    with ExitStack() as files:
        for item in objects:
            if mode == "bulk" and item.status == "tobedeleted":
                continue
            kind = type(item)
            if kind not in writers:
                writers[kind] = _writer(kind, files.enter_context(_create(folder / f"{names[kind]}.csv")), mode)
            writers[kind](item)
    written = {names[kind] for kind in writers}
    with _create(folder / _MANIFEST) as file:
        csv.writer(file).writerows(
            [
                ("propertyName", "value"),
                ("manifest.version", "1.0"),
                ("oneroster.version", "1.1"),
                *((f"file.{name}", mode if name in written else "absent") for name in MANIFEST_FILES),
                ("source.systemName", "Sandbox SIS"),
                ("source.systemCode", "sandbox"),
            ]
        )


def _create(path: Path) -> IO[str]:
    file = path.open("w", encoding="utf-8", newline="")
    path.chmod(PRIVATE_FILE)
    return file


def _writer(kind: type[OneRosterObject], file: IO[str], mode: str) -> Callable[[OneRosterObject], object]:
    write = csv.writer(file).writerow
    write(csv_header(kind))
    names = [field.name for field in _columns(kind)]
    blank = {"status", "date_last_modified"} if mode == "bulk" else set[str]()

    def write_object(item: OneRosterObject) -> None:
        write(["" if name in blank else _cell(getattr(item, name)) for name in names])

    return write_object


def _cell(value: Any) -> Any:
    """One cell. The `csv` module writes None as nothing and quotes a cell that holds a comma."""
    if isinstance(value, tuple):
        return ",".join(part if isinstance(part, str) else f"{{{part[0]}:{part[1]}}}" for part in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return value

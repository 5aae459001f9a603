"""manifest.csv: which version a package is, and how each file of it came."""

import csv
import io
import re
from dataclasses import dataclass

from roster_pipeline.oneroster.archive import BROKEN_ENTRY, Package
from roster_pipeline.oneroster.extract import ExtractError, Finding, Mode
from roster_pipeline.oneroster.findings import PACKAGE, finding
from roster_pipeline.oneroster.resources import ROSTER_RESOURCES, Resource

MANIFEST = "manifest.csv"

#: A manifest has 17 short lines; more than this is something else.
_MAX_BYTES = 1024**2

_VERSION_KEY = "oneroster.version"
_OTHER_KEYS = ("manifest.version", "source.systemName", "source.systemCode")
#: Files of the standard that rostering does not need.
_OTHER_FILES = ("categories", "classResources", "courseResources", "demographics", "lineItems", "resources", "results")
_MISSPELT = {"mainfest.version": "manifest.version", "manifestversion": "manifest.version"}

_MODES: dict[str, Mode] = {"absent": "absent", "bulk": "bulk", "delta": "delta"}


@dataclass(frozen=True)
class Manifest:
    """What manifest.csv says."""

    modes: dict[str, Mode]
    """By resource name, for the six rostering resources."""
    findings: list[Finding]


def read_manifest(package: Package) -> Manifest:
    """Read and check the package's manifest. Raises ExtractError when it is missing, unreadable or of another version.

    Keys and modes are OneRoster 1.1's CSV binding; misspelt keys, a repeated header and other letter case, all of
    which known programs write, are accepted.
    """
    if MANIFEST not in package.names():
        raise _without_manifest(package)
    place = package.describe(MANIFEST)
    findings: list[Finding] = []
    values = _values(package, place, findings)
    _check_version(place, values.get(_VERSION_KEY))
    modes: dict[str, Mode] = {resource.name: _mode(place, resource, values, findings) for resource in ROSTER_RESOURCES}
    for resource in ROSTER_RESOURCES:
        file = f"{resource.name}.csv"
        present = file.lower() in package.names()
        if modes[resource.name] == "absent" and present:
            findings.append(finding("container.not_listed", resource.singular, detail=file))
        elif modes[resource.name] != "absent" and not present:
            raise ExtractError(
                f"{place}: file.{resource.name}: {modes[resource.name]} promises {file}, which is not in the package. "
                "Have the SIS send the package again with the file, or say absent in the manifest."
            )
    return Manifest(modes, findings)


def _values(package: Package, place: str, findings: list[Finding]) -> dict[str, str]:
    try:
        with package.open(MANIFEST) as file:
            content = file.read(_MAX_BYTES + 1)
    except BROKEN_ENTRY as error:
        raise ExtractError(f"{place}: cannot be read ({error}). Send the package again.") from None
    if len(content) > _MAX_BYTES:
        raise ExtractError(f"{place}: has more than {_MAX_BYTES:,} bytes and is no manifest. Send the package again.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ExtractError(f"{place}: is not written in UTF-8. Have the SIS export UTF-8 files.") from None
    rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text)) if any(map(str.strip, row))]
    if not rows or [cell.lower() for cell in rows[0][:2]] != ["propertyname", "value"]:
        raise ExtractError(
            f"{place}: must begin with the header propertyName,value. "
            "Have the SIS export the manifest of OneRoster 1.1."
        )
    known = {key.lower(): key for key in (_VERSION_KEY, *_OTHER_KEYS)}
    known |= {f"file.{name}".lower(): f"file.{name}" for name in (*_OTHER_FILES, *_roster_names())}
    values: dict[str, str] = {}
    for row in rows[1:]:
        written, value = row[0], row[1] if len(row) > 1 else ""
        if written.lower() == "propertyname":
            continue
        key = _recognised(written, known)
        if key is None:
            findings.append(finding("container.manifest_key_unknown", PACKAGE, detail=written))
            continue
        if key != written:
            findings.append(finding("container.manifest_key_misspelt", PACKAGE, detail=f"{written}, meant {key}"))
        if values.setdefault(key, value) != value:
            raise ExtractError(
                f"{place}: {key} stands there twice, as {values[key]!r} and {value!r}. "
                "Have the SIS write it once and send the package again."
            )
    return values


def _recognised(written: str, known: dict[str, str]) -> str | None:
    small = written.lower()
    return known.get(small) or known.get(f"file.{small}") or _MISSPELT.get(small)


def _roster_names() -> list[str]:
    return [resource.name for resource in ROSTER_RESOURCES]


def _check_version(place: str, version: str | None) -> None:
    if version is None or re.fullmatch(r"v?1[.p]1(\.\d+)?", version.lower()):
        # Some writers leave the version out; the headers tell a 1.1 file from others all the same.
        return
    raise ExtractError(
        f"{place}: {_VERSION_KEY}: {version!r} is not supported, only 1.1 is. "
        "Have the SIS export OneRoster 1.1 CSV instead."
    )


def _mode(place: str, resource: Resource, values: dict[str, str], findings: list[Finding]) -> Mode:
    key = f"file.{resource.name}"
    value = values.get(key)
    if value is None:
        findings.append(finding("container.manifest_key_missing", resource.singular, detail=key))
        return "absent"
    mode = _MODES.get(value.lower())
    if mode is None:
        raise ExtractError(
            f"{place}: {key}: {value!r} must be absent, bulk or delta. "
            "Have the SIS correct it and send the package again."
        )
    return mode


def _without_manifest(package: Package) -> ExtractError:
    names = package.names()
    place = package.describe(MANIFEST)
    if "roles.csv" in names:
        return ExtractError(
            f"{place}: is missing, and roles.csv is a file of OneRoster 1.2, which is not supported. "
            "Have the SIS export OneRoster 1.1 CSV instead."
        )
    if {f"{name}.csv".lower() for name in _roster_names()} & names:
        return ExtractError(
            f"{place}: is missing. OneRoster 1.0 had no manifest and is not supported; "
            "have the SIS export OneRoster 1.1 CSV, with its manifest.csv."
        )
    found = ", ".join(sorted(names)[:5]) or "nothing"
    return ExtractError(
        f"{place}: is missing, and no OneRoster file is there either (found: {found}). "
        "Point connection.path at a OneRoster 1.1 CSV package."
    )

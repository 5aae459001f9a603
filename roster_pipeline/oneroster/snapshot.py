"""Raw snapshots on disk: a folder of Parquet files that counts from the moment its description is written.

`raw/<source_id>/<school_year>/<snapshot>/` holds `<resource>.parquet` for the six resources and
`snapshot.json`, written last. A folder without it is what an interrupted extract left, and is swept away.
"""

import shutil
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import orjson

from roster_pipeline.home import PRIVATE_FILE, private_folder, sync_folder, write_atomically
from roster_pipeline.oneroster.extract import Extract, ExtractedResource, Finding, new_snapshot_id

DESCRIPTION = "snapshot.json"


class Snapshot:
    """A whole extract as it lies on disk. Never changed once written."""

    def __init__(self, folder: Path) -> None:
        """Read the description in `folder`."""
        described = orjson.loads((folder / DESCRIPTION).read_bytes())
        self.folder = folder
        self.name = folder.name
        self.extracted_at = datetime.fromisoformat(described["extracted_at"])
        self.package_hash: str | None = described["package_hash"]
        self.resources = {
            name: ExtractedResource(**{**entry, "path": folder / entry["path"]})
            for name, entry in described["resources"].items()
        }
        self.findings = [Finding(**finding) for finding in described["findings"]]


def snapshots(folder: Path) -> list[Snapshot]:
    """The whole snapshots in `folder`, oldest first."""
    return [Snapshot(path.parent) for path in sorted(folder.glob(f"*/{DESCRIPTION}"))]


def latest_snapshot(folder: Path) -> Snapshot | None:
    """The newest whole snapshot in `folder`."""
    found = sorted(folder.glob(f"*/{DESCRIPTION}"))
    return Snapshot(found[-1].parent) if found else None


def take_snapshot(folder: Path, extract: Callable[[Path], Extract], keep: int) -> Snapshot:
    """Run `extract` into a new snapshot below `folder` and keep the newest `keep` ones.

    Whatever `extract` raises passes through, and nothing of its attempt stays.
    """
    _sweep(folder)
    destination = private_folder(folder / new_snapshot_id())
    try:
        extracted = extract(destination)
        for resource in extracted.resources.values():
            resource.path.chmod(PRIVATE_FILE)
        description = {
            "extracted_at": datetime.now(UTC).replace(tzinfo=None).isoformat(),
            "package_hash": extracted.package_hash,
            "resources": {
                name: {**asdict(resource), "path": resource.path.name} for name, resource in extracted.resources.items()
            },
            "findings": [asdict(finding) for finding in extracted.findings],
        }
        write_atomically(destination / DESCRIPTION, orjson.dumps(description))
    except BaseException:
        shutil.rmtree(destination, ignore_errors=True)
        raise
    sync_folder(folder)
    for old in snapshots(folder)[:-keep]:
        shutil.rmtree(old.folder)
    return Snapshot(destination)


def _sweep(folder: Path) -> None:
    """Remove what interrupted extracts left; runs of one source never overlap."""
    for path in folder.glob("*"):
        if path.is_dir() and not (path / DESCRIPTION).exists():
            shutil.rmtree(path)

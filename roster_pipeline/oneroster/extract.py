"""What every way in promises: a whole extract in Parquet, or an error that says why and what to do."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Protocol

#: bulk: the complete current set; delta: changes since the last package; absent: not part of the package.
Mode = Literal["bulk", "delta", "absent"]


class ExtractError(Exception):
    """The extract is not whole. The message says what happened, where, and the remedy; it never holds a secret."""


@dataclass(frozen=True)
class Finding:
    """A fault of the container or of single rows, met while extracting. `code` is one of the issue codes."""

    code: str
    kind: str
    """Singular name of the resource: `enrollment`."""
    sourced_id: str | None
    detail: str = ""


@dataclass
class ExtractedResource:
    """One resource of an extract: where its Parquet file is and how it came.

    However it came, the file holds the whole known state: a delta is merged over the last whole state, and what is
    absent from a package is carried over from there.
    """

    name: str
    path: Path
    rows: int
    mode: Mode = "bulk"
    unstable: bool = False
    """Some rows may be missing (the totals moved while paging, twice; rows of the file could not be read):
    the rows that are there are good, but absence from them means nothing."""


@dataclass
class Extract:
    """A whole extract of the six rostering resources."""

    resources: dict[str, ExtractedResource]
    findings: list[Finding] = field(default_factory=list)
    package_hash: str | None = None
    """SHA-256 of the zip, where there was one."""


Progress = Callable[[str, int, int | None], None]
"""Called with resource name, rows so far, and the total where it is known; from several threads."""


class Extractor(Protocol):
    """A connection that can be extracted."""

    def extract(self, destination: Path, progress: Progress) -> Extract:
        """Write `<resource>.parquet` for the six resources into `destination` (exists, empty). Raises ExtractError."""
        ...


def new_snapshot_id() -> str:
    """A name for a snapshot that sorts by time."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}"

"""Where everything lives: the folder named by ROSTER_HOME and the places inside it."""

import errno
import fcntl
import mmap
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600
#: Bytes.
_COPIED_AT_ONCE = 8 << 20
#: Not every system has it.
_PAST_CACHE = getattr(os, "O_DIRECT", 0)


@dataclass(frozen=True)
class Home:
    """The folder that holds sources, extracts, warehouse and bundles of every district."""

    root: Path

    @classmethod
    def from_environment(cls) -> "Home":
        """The home named by ROSTER_HOME, else `data` below the working directory."""
        return cls(Path(os.environ.get("ROSTER_HOME") or "data").resolve())

    @property
    def sources(self) -> Path:
        return self.root / "sources"

    @property
    def dagster(self) -> Path:
        return Path(os.environ.get("DAGSTER_HOME") or self.root / "dagster").resolve()

    @property
    def warehouse(self) -> Path:
        return self.root / "warehouse"

    @property
    def locks(self) -> Path:
        return self.root / "locks"

    def raw(self, source_id: str, school_year: str) -> Path:
        return self.root / "raw" / source_id / school_year

    def outbox(self, source_id: str) -> Path:
        return self.root / "outbox" / source_id

    def deliveries(self, source_id: str) -> Path:
        return self.root / "deliveries" / source_id


def private_folder(path: Path) -> Path:
    """Create `path` and its missing parents, readable by the owner only."""
    for folder in [*reversed(path.parents), path]:
        if not folder.exists():
            folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    return path


def write_atomically(path: Path, content: bytes) -> None:
    """Write a private file so that a reader sees either the old content or all of the new."""
    private_folder(path.parent)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def copy_privately(source: Path, target: Path) -> None:
    """Copy a file to one that only its owner may read, and bring it to the disk.

    A large copy that nobody reads soon goes past the page cache, where the file system can: there it would cost more
    than the copying, and whatever else is in it.
    """
    with (
        mmap.mmap(-1, _COPIED_AT_ONCE) as buffer,  # which begins at a page, as the disk wants it
        source.open("rb", buffering=0) as reader,
        open(target, "wb", buffering=0, opener=_open_past_cache) as writer,
    ):
        while count := reader.readinto(buffer):
            written = 0
            while written < count:  # less at a time where the disk is about to be full
                try:
                    written += writer.write(memoryview(buffer)[written:count])
                except OSError as error:
                    _go_through_cache(writer.fileno(), error)
        os.fsync(writer.fileno())


def _open_past_cache(path: str, flags: int) -> int:
    try:
        return os.open(path, flags | _PAST_CACHE, PRIVATE_FILE)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        return os.open(path, flags, PRIVATE_FILE)


def _go_through_cache(descriptor: int, refusal: OSError) -> None:
    """What is left of a file, at its end for instance, may be no piece that the disk takes as it is."""
    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    if refusal.errno != errno.EINVAL or not flags & _PAST_CACHE:
        raise refusal
    fcntl.fcntl(descriptor, fcntl.F_SETFL, flags & ~_PAST_CACHE)


def sync_folder(path: Path) -> None:
    """Make renames inside `path` survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""A OneRoster CSV package as named streams of bytes: a folder, or a zip that cannot escape or explode."""

import hashlib
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

from roster_pipeline.oneroster.extract import ExtractError, Finding
from roster_pipeline.oneroster.findings import PACKAGE, finding

#: The standard knows 14 files; the rest is room for a vendor's extras.
MAX_ENTRIES = 1_000
#: A million students need about 1 GB of CSV.
MAX_UNPACKED_BYTES = 64 * 1024**3
#: Roster CSV shrinks 5 to 40 times; the worst that deflate can do is 1,032.
MAX_RATIO = 200
#: Small files may shrink more than that, and cannot hurt.
RATIO_COUNTS_FROM_BYTES = 16 * 1024**2

_HASH_BLOCK = 1024**2


class Package(Protocol):
    """The files of a OneRoster CSV package."""

    findings: list[Finding]

    def names(self) -> frozenset[str]:
        """The files' names in small letters."""
        ...

    def size(self, name: str) -> int:
        """The file's unpacked size in bytes. `name` in small letters."""
        ...

    def describe(self, name: str) -> str:
        """The file as error messages call it."""
        ...

    def open(self, name: str) -> IO[bytes]:
        """The file's bytes, from the first. `name` in small letters."""
        ...


@contextmanager
def open_package(path: Path) -> Iterator[Package]:
    """The package at `path`, a folder or a zip. Raises ExtractError when it is neither, broken or dangerous."""
    if path.is_dir():
        yield FolderPackage(path)
    elif path.is_file():
        try:
            archive = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, NotImplementedError) as error:
            raise ExtractError(
                f"{path}: this is no whole zip ({error}); it was cut off on its way or is another kind of file. "
                "Send the package again."
            ) from None
        with archive:
            yield ZipPackage(path, archive)
    else:
        raise ExtractError(
            f"{path}: there is no such folder or zip. Correct connection.path, or have the SIS write the package there."
        )


def sha256(path: Path) -> str:
    """The hash of a file's content, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_HASH_BLOCK):
            digest.update(block)
    return digest.hexdigest()


class FolderPackage:
    """CSV files side by side in a folder."""

    def __init__(self, path: Path) -> None:
        self.findings: list[Finding] = []
        self._paths: dict[str, Path] = {}
        for file in sorted(path.iterdir()):
            if not file.is_file():
                continue
            other = self._paths.setdefault(file.name.lower(), file)
            if other is not file:
                raise _duplicate(str(path), other.name, file.name)
        self._path = path

    def names(self) -> frozenset[str]:
        return frozenset(self._paths)

    def size(self, name: str) -> int:
        return self._paths[name].stat().st_size

    def describe(self, name: str) -> str:
        return str(self._paths.get(name, self._path / name))

    def open(self, name: str) -> IO[bytes]:
        return self._paths[name].open("rb", buffering=0)


class ZipPackage:
    """CSV files in a zip, read as streams: nothing is unpacked to disk."""

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self.findings: list[Finding] = []
        self._path = path
        self._archive = archive
        entries = self._checked_entries()
        top = _single_top_folder(entries)
        if top:
            self.findings.append(finding("container.folder_in_zip", PACKAGE, detail=f"folder {top}"))
        self._entries: dict[str, zipfile.ZipInfo] = {}
        for name, entry in entries.items():
            inner = name.removeprefix(f"{top}/") if top else name
            if "/" in inner:
                continue
            other = self._entries.setdefault(inner.lower(), entry)
            if other is not entry:
                raise _duplicate(str(path), other.filename, entry.filename)

    def names(self) -> frozenset[str]:
        return frozenset(self._entries)

    def size(self, name: str) -> int:
        return self._entries[name].file_size

    def describe(self, name: str) -> str:
        entry = self._entries.get(name)
        return f"{self._path}:{entry.filename if entry else name}"

    def open(self, name: str) -> IO[bytes]:
        try:
            return self._archive.open(self._entries[name])
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError) as error:
            raise ExtractError(
                f"{self.describe(name)}: cannot be unpacked ({error}). Send the package again."
            ) from None

    def _checked_entries(self) -> dict[str, zipfile.ZipInfo]:
        entries = self._archive.infolist()
        if len(entries) > MAX_ENTRIES:
            raise self._refused(f"it holds {len(entries):,} entries, more than {MAX_ENTRIES:,}")
        unpacked = sum(entry.file_size for entry in entries)
        if unpacked > MAX_UNPACKED_BYTES:
            raise self._refused(f"it unpacks to {unpacked:,} bytes, more than {MAX_UNPACKED_BYTES:,}")
        checked: dict[str, zipfile.ZipInfo] = {}
        for entry in entries:
            self._check(entry)
            name = PurePosixPath(entry.filename)
            junk = "__MACOSX" in name.parts or name.name.startswith(".")
            if entry.is_dir() or junk:
                continue
            if str(name) in checked:
                raise _duplicate(str(self._path), entry.filename, entry.filename)
            checked[str(name)] = entry
        return checked

    def _check(self, entry: zipfile.ZipInfo) -> None:
        # The central directory is only one side's word, but what is unpacked is cut at the size it states.
        name = entry.filename
        if name.startswith(("/", "\\")) or "\\" in name or ":" in name or ".." in PurePosixPath(name).parts:
            raise self._refused(f"entry {name!r} points outside of the zip")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise self._refused(f"entry {name!r} is a symbolic link")
        if entry.flag_bits & 0x1:
            raise self._refused(f"entry {name!r} is encrypted")
        if entry.file_size > RATIO_COUNTS_FROM_BYTES and entry.file_size > MAX_RATIO * max(entry.compress_size, 1):
            raise self._refused(
                f"entry {name!r} unpacks {entry.compress_size:,} bytes to {entry.file_size:,}, "
                f"more than {MAX_RATIO} times as many"
            )

    def _refused(self, reason: str) -> ExtractError:
        return ExtractError(
            f"{self._path}: the zip is refused because {reason}. "
            "Have the SIS export a plain OneRoster 1.1 CSV zip and send it again."
        )


#: What reading an entry of a broken zip raises.
BROKEN_ENTRY = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError)


def _single_top_folder(entries: dict[str, zipfile.ZipInfo]) -> str | None:
    tops = {name.split("/", 1)[0] for name in entries}
    if len(tops) == 1 and entries and all("/" in name for name in entries):
        return tops.pop()
    return None


def _duplicate(package: str, first: str, second: str) -> ExtractError:
    return ExtractError(
        f"{package}: {first} and {second} are the same file to OneRoster; which one counts is unknown. "
        "Remove one of the two and send the package again."
    )

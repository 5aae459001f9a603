"""Kind `sftp`: the newest OneRoster zip of a folder on an SFTP server whose host key is pinned."""

import asyncio
import re
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import asyncssh
from asyncssh.constants import FILEXFER_TYPE_REGULAR

from roster_pipeline.home import PRIVATE_FILE, private_folder
from roster_pipeline.oneroster.archive import open_package, sha256
from roster_pipeline.oneroster.csv_bundle import CsvBundle
from roster_pipeline.oneroster.errors import Diagnosis
from roster_pipeline.oneroster.extract import Extract, ExtractError, Finding, Progress
from roster_pipeline.oneroster.manifest import read_manifest
from roster_pipeline.settings.connection import Sftp
from roster_pipeline.sftp import Result, SftpConnectionError, address, connected

#: Seconds between two looks at a zip's size.
POLL_SECONDS = 5.0
#: Looks at a zip that keeps growing before it counts as one that is never complete.
MAX_LOOKS = 60
#: A million students need about 200 MB of zip.
MAX_ZIP_BYTES = 16 * 1024**3

#: A time stamp in a name: 20261001, 2026-10-01, 20261001T020000, 2026-10-01_02-00 and their like.
_STAMP = re.compile(r"(?<!\d)(20\d\d)[-_.]?(\d\d)[-_.]?(\d\d)(?:[-_.T ]?(\d\d)[-_.:]?(\d\d)(?:[-_.:]?(\d\d))?)?(?!\d)")


class SftpError(ExtractError):
    """The zip cannot be fetched. The message names the server, the file and the remedy."""

    def __init__(self, message: str, diagnosis: Diagnosis) -> None:
        super().__init__(message)
        self.diagnosis: Diagnosis = diagnosis


@dataclass(frozen=True)
class RemoteBundle:
    """A zip on the server."""

    name: str
    size: int
    """Bytes."""
    modified: datetime
    """UTC."""

    @property
    def order(self) -> tuple[datetime, datetime, str]:
        """What makes one newer than another: the time stamp in its name, else when it was last changed."""
        return stamp_of(self.name) or self.modified, self.modified, self.name


def stamp_of(name: str) -> datetime | None:
    """The time stamp in a file's name, taken as UTC; None when it has none."""
    found = _STAMP.search(name)
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None


class SftpSource:
    """A folder of OneRoster zips on an SFTP server. Nothing on the server is changed or deleted."""

    def __init__(
        self,
        settings: Sftp,
        previous: Path | None = None,
        processed: Collection[str] = (),
        *,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        """`previous` is the folder of the last whole state; `processed` are SHA-256 hashes of zips that it holds."""
        self._settings = settings
        self._previous = previous
        self._processed = frozenset(processed)
        self._poll_seconds = poll_seconds

    def list_bundles(self) -> list[RemoteBundle]:
        """The zips on the server, oldest first. Raises ExtractError."""

        async def work(client: asyncssh.SFTPClient) -> list[RemoteBundle]:
            return await self._bundles(client)

        return self._connected(work)

    def extract(self, destination: Path, progress: Progress) -> Extract:
        """Write `<resource>.parquet` for the six resources into `destination`, from the newest zip.

        A zip with changes only is preceded by those before it, back to the last processed or whole one, so that no
        change between two runs is lost. Raises ExtractError.
        """
        work = Path(tempfile.mkdtemp(prefix=".sftp-", dir=destination))
        try:
            zips = self._connected(lambda client: self._download(client, work))
            return self._read(zips, work, destination, progress)
        finally:
            shutil.rmtree(work)

    def _read(self, zips: list[Path], work: Path, destination: Path, progress: Progress) -> Extract:
        previous = self._previous
        findings: list[Finding] = []
        for number, path in enumerate(zips[:-1]):
            state = private_folder(work / f"state-{number}")
            findings += CsvBundle(path, previous).extract(state, progress).findings
            previous = state
        extract = CsvBundle(zips[-1], previous).extract(destination, progress)
        extract.findings = findings + extract.findings
        return extract

    def download_newest(self, folder: Path) -> Path:
        """Fetch the newest zip into `folder`, a private one, and answer with its path. Raises SftpError."""

        async def work(client: asyncssh.SFTPClient) -> Path:
            bundles = await self._existing(client)
            newest = await self._settled(client, bundles[-1].name)
            return await self._fetch(client, newest, folder / "newest.zip")

        return self._connected(work)

    async def _download(self, client: asyncssh.SFTPClient, folder: Path) -> list[Path]:
        """The newest zip and what it builds on, in the order in which they are to be read."""
        bundles = await self._existing(client)
        newest = await self._settled(client, bundles[-1].name)
        zips: list[Path] = []
        for bundle in [newest, *reversed(bundles[:-1])]:
            path = await self._fetch(client, bundle, folder / f"{len(bundles) - len(zips):06}.zip")
            if zips and sha256(path) in self._processed:
                break
            zips.insert(0, path)
            if not _holds_changes_only(path):
                break
        return zips

    async def _existing(self, client: asyncssh.SFTPClient) -> list[RemoteBundle]:
        bundles = await self._bundles(client)
        if not bundles:
            raise SftpError(
                f"{self._place()}: holds no *.zip. Have the SIS export there, or correct connection.path.", "folder"
            )
        return bundles

    async def _bundles(self, client: asyncssh.SFTPClient) -> list[RemoteBundle]:
        found: list[RemoteBundle] = []
        async for entry in client.scandir(self._settings.path):
            name = entry.filename if isinstance(entry.filename, str) else entry.filename.decode("utf-8", "replace")
            if name.startswith(".") or "/" in name or not name.lower().endswith(".zip"):
                # Uploads under way end in .tmp or .filepart, or begin with a dot.
                continue
            if entry.attrs.type == FILEXFER_TYPE_REGULAR:
                found.append(_bundle(name, entry.attrs))
        return sorted(found, key=lambda bundle: bundle.order)

    async def _settled(self, client: asyncssh.SFTPClient, name: str) -> RemoteBundle:
        """The zip, once two looks at it see the same."""
        earlier = await self._look(client, name)
        for _ in range(MAX_LOOKS):
            await asyncio.sleep(self._poll_seconds)
            now = await self._look(client, name)
            if now == earlier:
                return now
            earlier = now
        raise SftpError(
            f"{self._place(name)}: keeps changing; its upload does not end. "
            "Look after the SIS's export, then try again.",
            "folder",
        )

    async def _look(self, client: asyncssh.SFTPClient, name: str) -> RemoteBundle:
        return _bundle(name, await client.stat(self._remote(name)))

    async def _fetch(self, client: asyncssh.SFTPClient, bundle: RemoteBundle, path: Path) -> Path:
        if bundle.size > MAX_ZIP_BYTES:
            raise SftpError(
                f"{self._place(bundle.name)}: has {bundle.size:,} bytes, more than a roster can have "
                f"({MAX_ZIP_BYTES:,}). Have the SIS export a plain OneRoster 1.1 CSV zip.",
                "folder",
            )
        path.touch(mode=PRIVATE_FILE)
        await client.get(self._remote(bundle.name), path)
        path.chmod(PRIVATE_FILE)
        if path.stat().st_size != bundle.size:
            raise SftpError(
                f"{self._place(bundle.name)}: changed while it was read. Look after the SIS's export, then try again.",
                "folder",
            )
        return path

    def _connected(self, work: Callable[[asyncssh.SFTPClient], Awaitable[Result]]) -> Result:
        """Do `work` over one connection; a connection that breaks is tried again from the start."""
        try:
            return connected(self._settings, "connection", work)
        except SftpConnectionError as error:
            raise SftpError(str(error), error.trouble) from None

    def _remote(self, name: str) -> str:
        return str(PurePosixPath(self._settings.path) / name)

    def _place(self, name: str = "") -> str:
        return f"{address(self._settings).rstrip('/')}/{name}" if name else address(self._settings)


def _bundle(name: str, attributes: asyncssh.SFTPAttrs) -> RemoteBundle:
    return RemoteBundle(name, attributes.size or 0, datetime.fromtimestamp(attributes.mtime or 0, UTC))


def _holds_changes_only(path: Path) -> bool:
    with open_package(path) as package:
        return "delta" in read_manifest(package).modes.values()

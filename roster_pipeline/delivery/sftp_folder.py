"""Route `sftp`: the bundle goes to the SFTP site that Brightspace polls, about every ten minutes, for `*.zip`.

It is uploaded under a temporary name and renamed, so that no poll sees half a bundle. Brightspace works on one
bundle of a source system at a time, so a new one waits until the folder holds no other.

What a cut connection leaves open, a look settles. The temporary name is given up by the rename alone, and the upload
was noted as complete before it: if the temporary name is gone by then, the bundle has its final name or has been
taken already.
"""

import time
from collections.abc import Awaitable, Callable
from pathlib import Path, PurePosixPath

import asyncssh

from roster_pipeline.delivery.bundle_route import DeliveryError, RouteName, staged_path
from roster_pipeline.settings.connection import Sftp
from roster_pipeline.sftp import Result, SftpConnectionError, address, connected

SECTION = "delivery.sftp"
#: Seconds between two looks at whether an earlier bundle has been taken.
POLL_SECONDS = 15.0
_BUNDLES = "D2LStdCSV-"
_PARTS = f".{_BUNDLES}"


class SftpFolder:
    """The folder of one source system on Brightspace's SFTP site."""

    name: RouteName = "sftp"

    def __init__(self, settings: Sftp, staging: Path, wait_minutes: float) -> None:
        self._settings = settings
        self._staging = staging
        self._wait_minutes = wait_minutes

    @property
    def staging(self) -> Path:
        return self._staging

    @property
    def place(self) -> str:
        return address(self._settings)

    def taken_names(self) -> list[str]:
        return []

    def send(self, bundle: str, note_uploaded: Callable[[], None]) -> str:
        self._wait_until_free()
        self._connected(lambda client: self._upload(client, bundle))
        note_uploaded()
        self._connected(lambda client: self._rename(client, bundle))
        return f"{self.place.rstrip('/')}/{bundle}"

    def has_left(self, bundle: str, *, uploaded: bool) -> bool:
        # What was not noted as uploaded was never renamed.
        return uploaded and _part(bundle) not in self._connected(self._names)

    def _wait_until_free(self) -> None:
        deadline = time.monotonic() + 60 * self._wait_minutes
        while waiting := sorted(name for name in self._connected(self._names) if name.startswith(_BUNDLES)):
            if time.monotonic() >= deadline:
                raise DeliveryError(
                    f"{self.place}: {waiting[0]} still lies there after {self._wait_minutes:g} minutes; Brightspace "
                    "has not taken it. See on the dashboard of its source system whether it is enabled and what it is "
                    "doing, then run again. Nothing was delivered; the changes stay due."
                )
            time.sleep(POLL_SECONDS)

    async def _names(self, client: asyncssh.SFTPClient) -> set[str]:
        return {str(name) for name in await client.listdir(self._settings.path)}

    async def _upload(self, client: asyncssh.SFTPClient, bundle: str) -> None:
        for name in await self._names(client):
            if name.startswith(_PARTS):
                await client.remove(self._remote(name))  # of an upload that was cut off
        staged = staged_path(self, bundle)
        remote = self._remote(_part(bundle))
        await client.put(staged, remote)
        size = (await client.stat(remote)).size
        if size != staged.stat().st_size:
            raise DeliveryError(
                f"{self.place}: of {staged.stat().st_size:,} bytes {size or 0:,} arrived. See whether its disk is "
                "full, then run again. Nothing was delivered; the changes stay due."
            )

    async def _rename(self, client: asyncssh.SFTPClient, bundle: str) -> None:
        # Done again over a new connection where the first broke: then the rename may have happened.
        if _part(bundle) in await self._names(client):
            await client.rename(self._remote(_part(bundle)), self._remote(bundle))

    def _connected(self, work: Callable[[asyncssh.SFTPClient], Awaitable[Result]]) -> Result:
        try:
            return connected(self._settings, SECTION, work)
        except SftpConnectionError as error:
            raise DeliveryError(str(error)) from None

    def _remote(self, name: str) -> str:
        return str(PurePosixPath(self._settings.path) / name)


def _part(bundle: str) -> str:
    return f".{bundle}.part"

"""Route `outbox`: the bundle becomes a file in `outbox/<source_id>/`, from where somebody takes it to Brightspace.

The rename into the outbox is the delivery. From then on the bundle may be taken away at any time, so what tells
whether it was done is whether the bundle still waits in `.staging/`.
"""

from collections.abc import Callable
from pathlib import Path

from roster_pipeline.delivery.bundle_route import RouteName, staged_path
from roster_pipeline.home import private_folder, sync_folder

STAGING = ".staging"


class Outbox:
    """The outbox folder of one source."""

    name: RouteName = "outbox"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def staging(self) -> Path:
        return self._folder / STAGING

    @property
    def place(self) -> str:
        return str(self._folder)

    def taken_names(self) -> list[str]:
        return [path.name for path in self._folder.glob(f"D2LStdCSV-{'[0-9]' * 14}.zip")]

    def send(self, bundle: str, note_uploaded: Callable[[], None]) -> str:  # noqa: ARG002 - a rename needs no note
        place = private_folder(self._folder) / bundle
        staged_path(self, bundle).rename(place)
        sync_folder(self._folder)
        sync_folder(self.staging)
        return str(place)

    def has_left(self, bundle: str, *, uploaded: bool) -> bool:  # noqa: ARG002 - the staged file tells
        return not staged_path(self, bundle).exists()

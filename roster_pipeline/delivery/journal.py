"""What an API delivery has begun and what came of it, on disk before and after each call.

The warehouse is told in large batches, and no call can be undone when the process dies between two of them. So the
journal knows what the warehouse does not: answers that are not confirmed yet, and changes whose answer never came.
"""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson

from roster_pipeline.brightspace.changes import Confirmed
from roster_pipeline.delivery.bundle_route import DeliveryError
from roster_pipeline.home import PRIVATE_FILE, private_folder

#: Kind and sourced id: what names a change.
Key = tuple[str, str]


class Journal:
    """The journal of one delivery, in a folder of its own.

    A segment begins with what was under way when it was opened. When the warehouse has taken in what the earlier
    segment says, the earlier one is removed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = private_folder(folder)
        self._under_way: set[Key] = set()
        self._waiting: list[dict[str, Any]] = []
        """Outcomes to be written with what begins next: until then these changes would be repeated, which is safe as
        long as the warehouse has not confirmed them."""
        self._descriptor: int | None = None

    def begin(self, keys: Iterable[Key]) -> None:
        """The outcome of these changes is unknown from now on. Raises DeliveryError when that cannot be noted."""
        wanted = list(keys)
        self._under_way.update(wanted)
        self._write([*self._waiting, *({"begun": key} for key in wanted)])
        self._waiting.clear()

    def end(self, answers: Iterable[Confirmed]) -> None:
        """The outcome of these changes is known."""
        for each in answers:
            self._under_way.discard((each.kind, each.sourced_id))
            self._waiting.append({"ended": vars(each)})

    def confirmed(self) -> None:
        """The warehouse knows every outcome so far."""
        earlier = self._segments()
        self._close()
        self._waiting.clear()
        if self._under_way:
            self._write([{"begun": key} for key in self._under_way])
        for segment in earlier:
            segment.unlink()

    def read(self) -> tuple[list[Confirmed], set[Key]]:
        """What a journal that was left behind says: the outcomes, and the changes whose outcome nobody knows."""
        begun: set[Key] = set()
        ended: dict[Key, Confirmed] = {}
        for segment in self._segments():
            for entry in _entries(segment):
                if "begun" in entry:
                    kind, sourced_id = entry["begun"]
                    begun.add((kind, sourced_id))
                else:
                    answer = Confirmed(**entry["ended"])
                    ended[answer.kind, answer.sourced_id] = answer
        return list(ended.values()), begun - ended.keys()

    def remove(self) -> None:
        """Remove the folder of a delivery that has come to its end."""
        self._close()
        shutil.rmtree(self.folder)

    def _segments(self) -> list[Path]:
        return sorted(self.folder.glob("journal-*.jsonl"))

    def _write(self, entries: list[dict[str, Any]]) -> None:
        if self._descriptor is None:
            latest = max((int(path.stem.rpartition("-")[2]) for path in self._segments()), default=0)
            path = self.folder / f"journal-{latest + 1:06d}.jsonl"
            self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE_FILE)
        content = b"".join(orjson.dumps(each, option=orjson.OPT_APPEND_NEWLINE) for each in entries)
        try:
            while content:
                content = content[os.write(self._descriptor, content) :]
        except OSError as error:
            # Nothing may follow half a line.
            self._close()
            raise DeliveryError(
                f"{self.folder}: what is being delivered could not be noted ({error.strerror}). Make room on its disk "
                "and run again, which settles what was under way; the rest stays due."
            ) from error

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = None


def _entries(path: Path) -> Iterable[dict[str, Any]]:
    # What follows the last line's end was being written when the process died: nothing of it had happened yet, or
    # its outcome counts as unknown.
    return (orjson.loads(line) for line in path.read_bytes().split(b"\n")[:-1])

"""The gradebook as read: three Parquet files of text columns, the same whichever way they came in."""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from roster_pipeline.home import PRIVATE_FILE, private_folder

#: Columns of the three files, by file, in the order in which they are written down for people.
COLUMNS: dict[str, tuple[str, ...]] = {
    "categories": ("category_id", "class_sourced_id", "name", "sis_enabled", "sis_category_id"),
    "grade_items": (
        "item_id",
        "class_sourced_id",
        "name",
        "description",
        "type",
        "max_points",
        "category_id",
        "academic_session_id",
        "activity_due_date",
        "activity_end_date",
        "include_in_final",
        "grading_mode",
        "assessment_type",
        "assigned_by",
        "assigned_date",
        "is_deleted",
        "last_modified",
    ),
    "scores": (
        "item_id",
        "student_sourced_id",
        "points",
        "comment",
        "is_exempt",
        "is_submitted",
        "is_deleted",
        "last_modified",
    ),
}

#: A fourth file: ids of the classes all of whose items were read, and of the items all of whose scores were. What is
#: missing from those was deleted. A source that tells of deletions itself leaves it out.
READ_WHOLE: tuple[str, tuple[str, ...]] = ("read_whole", ("kind", "id"))


class GradebookError(Exception):
    """The gradebook cannot be read. The message names the file or address and the remedy."""


@dataclass(frozen=True)
class UnreadableRow:
    """A row that was left out."""

    file: str
    line: int
    why: str


@dataclass(frozen=True)
class Gradebook:
    """One reading: `<file>.parquet` for each of COLUMNS, and READ_WHOLE, in `folder`; every column text."""

    folder: Path
    unreadable: list[UnreadableRow]

    def path(self, file: str) -> Path:
        return self.folder / f"{file}.parquet"


def keep_gradebook(folder: Path, read: Callable[[Path], list[UnreadableRow]]) -> Gradebook:
    """Let `read` write the three Parquet files and put them in the place of `folder`; a failure leaves it as it was."""
    private_folder(folder.parent)
    # What a killed run left holds marks of pupils; whoever reads holds the source's lock.
    for stale in folder.parent.glob(f".{folder.name}.*"):
        shutil.rmtree(stale)
    fresh = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        unreadable = read(fresh)
        if not (fresh / f"{READ_WHOLE[0]}.parquet").exists():
            nothing = pa.schema([(name, pa.string()) for name in READ_WHOLE[1]]).empty_table()
            pq.write_table(nothing, fresh / f"{READ_WHOLE[0]}.parquet")
        for file in (*COLUMNS, READ_WHOLE[0]):
            (fresh / f"{file}.parquet").chmod(PRIVATE_FILE)
        shutil.rmtree(folder, ignore_errors=True)
        fresh.rename(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return Gradebook(folder, unreadable)

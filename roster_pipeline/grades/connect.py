"""The one door to gradebooks: from `grade_export.gradebook` in a source file to a reading."""

from pathlib import Path

from roster_pipeline.grades.gradebook import Gradebook, GradebookError, keep_gradebook
from roster_pipeline.grades.gradebook_files import read_files
from roster_pipeline.home import Home
from roster_pipeline.settings import Source
from roster_pipeline.settings.grade_export import FilesGradebook


def gradebook_folder(home: Home, source_id: str, school_year: str) -> Path:
    """Where the latest reading of a source's gradebooks is."""
    return home.root / "gradebooks" / source_id / school_year


def read_gradebook(home: Home, source_id: str, school_year: str, settings: Source) -> Gradebook:
    """Read the gradebooks of a source and keep what was read. Raises GradebookError."""
    gradebook = settings.grade_export.gradebook
    folder = gradebook_folder(home, source_id, school_year)
    match gradebook:
        case FilesGradebook():
            return keep_gradebook(folder, lambda target: read_files(home.root / gradebook.path, target))
        case _:
            raise GradebookError(
                f"grade_export.gradebook.kind: {gradebook.kind} cannot be read yet; "
                "write the gradebooks as files and set kind: files"
            )

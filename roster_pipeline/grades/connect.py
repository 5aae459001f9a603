"""The one door to gradebooks: from `grade_export.gradebook` in a source file to a reading."""

from pathlib import Path

from roster_pipeline.grades.categories import list_unlisted
from roster_pipeline.grades.gradebook import Gradebook, keep_gradebook
from roster_pipeline.grades.gradebook_api import managed, read_api
from roster_pipeline.grades.gradebook_data_sets import read_data_sets
from roster_pipeline.grades.gradebook_files import read_files
from roster_pipeline.grades.tenant import open_tenant
from roster_pipeline.home import Home
from roster_pipeline.settings import Source
from roster_pipeline.settings.grade_export import ApiGradebook, DataSetsGradebook, FilesGradebook
from roster_pipeline.warehouse.connection import Warehouse


def gradebook_folder(home: Home, source_id: str, school_year: str) -> Path:
    """Where the latest reading of a source's gradebooks is."""
    return home.root / "gradebooks" / source_id / school_year


def read_gradebook(warehouse: Warehouse, home: Home, source_id: str, school_year: str, settings: Source) -> Gradebook:
    """Read the gradebooks of a source and keep what was read. Raises GradebookError, BrightspaceError."""
    gradebook = settings.grade_export.gradebook
    folder = gradebook_folder(home, source_id, school_year)
    match gradebook:
        case FilesGradebook():
            return keep_gradebook(folder, lambda target: read_files(home.root / gradebook.path, target))
        case ApiGradebook() | DataSetsGradebook():
            list_unlisted(warehouse, source_id, school_year, settings)
            with warehouse.transaction(source_id, school_year) as session:
                known = managed(session)
            read = read_api if isinstance(gradebook, ApiGradebook) else read_data_sets
            with open_tenant(home, source_id, settings) as client:
                return keep_gradebook(folder, lambda target: read(client, known, target))

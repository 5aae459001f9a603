"""The Brightspace tenant whose gradebooks a source reads and writes."""

from roster_pipeline.brightspace.client import BrightspaceClient
from roster_pipeline.grades.gradebook import GradebookError
from roster_pipeline.home import Home, private_folder
from roster_pipeline.settings import Source


def open_tenant(home: Home, source_id: str, settings: Source) -> BrightspaceClient:
    """A client of the source's tenant, to be used as a context manager. Raises GradebookError where it has none.

    Its refresh token is good for one use; whoever calls holds the source's lock.
    """
    if settings.brightspace is None:
        kind = settings.grade_export.gradebook.kind
        raise GradebookError(f"grade_export.gradebook.kind: {kind} needs the section brightspace")
    token_file = private_folder(home.root / "tokens") / f"{source_id}.json"
    return BrightspaceClient.connect(settings.brightspace, token_file)

"""A client of one tenant's API: `with BrightspaceClient.connect(settings, token_file) as brightspace: …`."""

import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from roster_pipeline.brightspace.auth import token_source
from roster_pipeline.brightspace.connection import ApiConnection
from roster_pipeline.brightspace.courses import Courses
from roster_pipeline.brightspace.data_sets import DataHub
from roster_pipeline.brightspace.gradebooks import Gradebooks
from roster_pipeline.brightspace.organization import Organization
from roster_pipeline.brightspace.people import People
from roster_pipeline.settings.brightspace import Brightspace


class BrightspaceClient:
    """Everything we ask of a tenant, by subject; for any number of threads. All of it raises BrightspaceError."""

    def __init__(self, connection: ApiConnection) -> None:
        self.connection = connection
        self.organization = Organization(connection)
        self.courses = Courses(connection)
        self.people = People(connection)
        self.gradebooks = Gradebooks(connection)
        self.data_hub = DataHub(connection)

    @classmethod
    def connect(cls, settings: Brightspace, token_file: Path, stop: threading.Event | None = None) -> Self:
        """A client with the settings' credentials; nothing is sent yet.

        `token_file` keeps the single-use refresh token from run to run, where the settings use one. `stop`, once set,
        ends every wait.
        """
        return cls(ApiConnection(settings, token_source(settings, token_file), stop))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.connection.close()

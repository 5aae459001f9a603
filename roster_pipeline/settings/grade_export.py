"""Which grades go back to the SIS, when, and on whose word."""

from typing import Annotated, Literal

from pydantic import Field

from roster_pipeline.settings.base import Section


class InProgress(Section):
    """Only courses that have started and not ended, with some days of grace on both sides."""

    enabled: bool = False
    days_before_start: int = Field(0, ge=0, le=365)
    days_after_end: int = Field(0, ge=0, le=365)


class ApiGradebook(Section):
    kind: Literal["api"]


class DataSetsGradebook(Section):
    kind: Literal["data_sets"]


class FilesGradebook(Section):
    kind: Literal["files"]
    path: str = Field(min_length=1, description="Folder of the three CSVs; a relative path starts at ROSTER_HOME")


Gradebook = Annotated[ApiGradebook | DataSetsGradebook | FilesGradebook, Field(discriminator="kind")]


class GradeExport(Section):
    """The Grades Export section of the settings page."""

    enabled: bool = False
    policy: Literal["skyward", "infinite_campus", "otus"] | None = None
    on_demand: bool = True
    daily: bool = False
    allowed_users: list[str] = Field(default_factory=list)
    only_active_courses: bool = False
    only_courses_in_progress: InProgress = Field(default_factory=InProgress)
    gradebook: Gradebook = ApiGradebook(kind="api")
    verify: Literal["none", "sample", "all"] = "none"

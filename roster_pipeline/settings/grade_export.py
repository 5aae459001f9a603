"""Which grades go back to the SIS, when, and on whose word."""

from datetime import date
from typing import Annotated, Literal, get_args

from pydantic import Field, field_validator, model_validator

from roster_pipeline.settings.base import Section

#: The twelve kinds of assessment of Otus; each needs a category of the SIS.
AssessmentType = Literal[
    "assignment",
    "classwork",
    "exit_ticket",
    "homework",
    "lab",
    "participation",
    "performance_task",
    "presentation",
    "project",
    "quiz",
    "test",
    "other",
]
ASSESSMENT_TYPES: tuple[str, ...] = get_args(AssessmentType)


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


class Otus(Section):
    """What the passback from Otus to Skyward needs to know of the district."""

    effective_date: date | None = Field(None, description="Nothing assigned and changed before this day is sent")
    teacher_group: list[str] = Field(
        default_factory=list, description="sourcedIds of the users whose assessments are passed back"
    )
    category_map: dict[AssessmentType, str] = Field(
        default_factory=dict, description="District-level SIS category (sourcedId) of each of the twelve types"
    )
    whole_number_scope: Literal["score_and_max", "max_only"] = Field(
        "score_and_max", description="Where a fraction of a point keeps a score back: both, or the maximum only"
    )

    @field_validator("category_map")
    @classmethod
    def _every_type(cls, value: dict[str, str]) -> dict[str, str]:
        missing = [name for name in ASSESSMENT_TYPES if not value.get(name)]
        if value and missing:
            raise ValueError(f"needs a category for each of the twelve types; missing: {', '.join(missing)}")
        return value


class Skyward(Section):
    """What somebody has to have looked up in Skyward."""

    use_grade_setting_unchecked: bool = Field(
        False,
        description="Confirms that 'Use Grade When Posting Secondary Gradebook Assignment Scores' is unchecked, under "
        "Skyward Contact Access > District Setup > Configuration > API Configuration",
    )


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
    grading_period_mode: Literal["chosen_session", "child_grading_period_by_date"] = Field(
        "chosen_session",
        description="Send the session chosen for the item, or the grading period below it that holds the due date",
    )
    score_status_for_graded: Literal["fully graded", "submitted"] = "fully graded"
    otus: Otus = Field(default_factory=Otus)
    skyward: Skyward = Field(default_factory=Skyward)

    @model_validator(mode="after")
    def _policy_is_complete(self) -> "GradeExport":
        if self.enabled and self.policy is None:
            raise ValueError(
                "enabled: true needs a policy, as the profile has none; set skyward, infinite_campus or otus"
            )
        if self.enabled and self.policy == "otus" and not self.otus.category_map:
            raise ValueError(
                f"policy: otus needs otus.category_map with a category for each of: {', '.join(ASSESSMENT_TYPES)}"
            )
        return self

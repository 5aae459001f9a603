"""Which grades go back to the SIS, when, and on whose word."""

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from roster_pipeline.settings.base import Section


class InProgress(Section):
    """Only courses that have started and not ended, with some days of grace on both sides."""

    enabled: bool = Field(False, description="Whether the nightly export looks at the dates of courses")
    days_before_start: int = Field(0, ge=0, le=365, description="Days of grace before the start")
    days_after_end: int = Field(0, ge=0, le=365, description="Days of grace after the end")


class ApiGradebook(Section):
    """Gradebooks are read over Brightspace's API."""

    kind: Literal["api"]


class DataSetsGradebook(Section):
    """Gradebooks are read from Brightspace's data sets."""

    kind: Literal["data_sets"]


class FilesGradebook(Section):
    """Gradebooks are read from CSV files."""

    kind: Literal["files"]
    path: str = Field(min_length=1, description="Folder of the three CSVs; a relative path starts at ROSTER_HOME")


Gradebook = Annotated[ApiGradebook | DataSetsGradebook | FilesGradebook, Field(discriminator="kind")]


class Otus(Section):
    """What the passback from Otus to Skyward needs to know of the district."""

    effective_date: date | None = Field(None, description="Nothing assigned and changed before this day is sent")
    teacher_group: list[str] = Field(
        default_factory=list, description="sourcedIds of the users whose assessments are passed back"
    )
    assessment_types: list[str] = Field(
        default_factory=list, description="The types of assessment that Otus has at the district; empty: the policy's"
    )
    category_map: dict[str, str] = Field(
        default_factory=dict, description="District-level SIS category (sourcedId) of each type of assessment"
    )
    whole_number_scope: Literal["score_and_max", "max_only"] = Field(
        "score_and_max", description="Where a fraction of a point keeps a score back: both, or the maximum only"
    )

    @field_validator("assessment_types")
    @classmethod
    def _types_differ(cls, value: list[str]) -> list[str]:
        types = [plain_type(name) for name in value]
        repeated = sorted({name for name in types if types.count(name) > 1})
        if repeated:
            raise ValueError(f"has {', '.join(repeated)} more than once; small letters and signs make no difference")
        if "" in types:
            raise ValueError("has a type without letters; take it out")
        return types

    @field_validator("category_map")
    @classmethod
    def _types_are_mapped_once(cls, value: dict[str, str]) -> dict[str, str]:
        mapped = {plain_type(name): category for name, category in value.items()}
        if len(mapped) < len(value):
            raise ValueError("has a type more than once; small letters and signs make no difference")
        return mapped

    def check_map(self, policy_types: list[str]) -> None:
        """Raises ValueError unless `category_map` has a category for each type, and for no other."""
        types = self.assessment_types or policy_types
        missing = [name for name in types if not self.category_map.get(name)]
        if missing:
            raise ValueError(
                f"otus.category_map needs a category for each of the {len(types)} types of assessment; "
                f"missing: {', '.join(missing)}"
            )
        strange = [name for name in self.category_map if name not in types]
        if strange:
            raise ValueError(
                f"otus.category_map has {', '.join(strange)}, which is no type of assessment; there are "
                f"{', '.join(types)}; where Otus has others at the district, list all of them in otus.assessment_types"
            )


def plain_type(name: str) -> str:
    """A type of assessment as it is compared: `Exit Ticket` and `exit_ticket` are one."""
    return re.sub(r"[^a-z0-9]+", "_", name.strip().lower()).strip("_")


class Skyward(Section):
    """What somebody has to have looked up in Skyward."""

    use_grade_setting_unchecked: bool = Field(
        False,
        description="Confirms that 'Use Grade When Posting Secondary Gradebook Assignment Scores' is unchecked, under "
        "Skyward Contact Access > District Setup > Configuration > API Configuration",
    )


class GradeExport(Section):
    """The Grades Export section of the settings page."""

    enabled: bool = Field(False, description="Whether grades go back to the SIS at all")
    policy: Literal["skyward", "infinite_campus", "otus"] | None = Field(
        None, description="Which grades may go, and in what form: skyward, infinite_campus or otus"
    )
    on_demand: bool = Field(True, description="Whether `roster export-grades` may send grades at any time")
    daily: bool = Field(False, description="Whether the nightly job sends them after the roster")
    allowed_users: list[str] = Field(
        default_factory=list, description="Logins of teachers who may export grades on demand; the operator always may"
    )
    only_active_courses: bool = Field(False, description="The nightly export leaves courses out that are inactive")
    only_courses_in_progress: InProgress = Field(default_factory=InProgress)
    gradebook: Gradebook = ApiGradebook(kind="api")
    verify: Literal["none", "sample", "all"] = Field(
        "none", description="How much of what was written is read back from the SIS"
    )
    grading_period_mode: Literal["chosen_session", "child_grading_period_by_date"] = Field(
        "chosen_session",
        description="Send the session chosen for the item, or the grading period below it that holds the due date",
    )
    score_status_for_graded: Literal["fully graded", "submitted"] = Field(
        "fully graded", description="The scoreStatus that a graded score is sent with"
    )
    otus: Otus = Field(default_factory=Otus)
    skyward: Skyward = Field(default_factory=Skyward)

    @model_validator(mode="after")
    def _policy_is_complete(self) -> "GradeExport":
        if self.enabled and self.policy is None:
            raise ValueError(
                "enabled: true needs a policy, as the profile has none; set skyward, infinite_campus or otus"
            )
        if self.policy and (self.enabled or self.otus.category_map):
            from roster_pipeline.grades.policy import load_policy  # noqa: PLC0415 - it reads its data as settings do

            if (types := load_policy(self.policy).assessment_types) is not None:
                self.otus.check_map(types)
        return self

"""A pipeline after the first night of the whole district, and the questions that tests and pages ask of it."""

from dataclasses import dataclass
from pathlib import Path

from roster_pipeline_tests.pipeline import Night, Pipeline, Row
from roster_pipeline_tests.rules.district import whole_district


@dataclass(frozen=True)
class FirstNight:
    """A pipeline after its first night. Tests that share it only read."""

    profile: str
    pipeline: Pipeline
    night: Night

    def unit(self, key: str) -> Row:
        return self.pipeline.unit(key)

    def keys(self, kind: str) -> set[str]:
        """The sourcedIds of all org units of a kind."""
        return {row["sourced_id"] for row in self.pipeline.rows("brightspace.org_units", "kind = $kind", kind=kind)}

    def parents(self, key: str) -> set[str]:
        return self.pipeline.parents(key)

    def children(self, key: str) -> set[str]:
        rows = self.pipeline.rows("brightspace.org_unit_parents", "parent_key = $key", key=key)
        return {row["org_unit_key"] for row in rows}

    def user(self, sourced_id: str) -> Row:
        return self.pipeline.row("brightspace.users", "sourced_id = $id", id=sourced_id)

    def users(self) -> set[str]:
        return {row["sourced_id"] for row in self.pipeline.rows("brightspace.users")}

    def enrolled(self, user: str) -> dict[str, str]:
        return self.pipeline.enrolled(user)

    def guardians(self, student: str) -> set[str]:
        rows = self.pipeline.rows("brightspace.relationships", "student_sourced_id = $id", id=student)
        return {row["guardian_sourced_id"] for row in rows}

    def issues(self, code: str) -> set[str | None]:
        """The sourcedIds that an issue was raised for."""
        return {row["sourced_id"] for row in self.pipeline.issues(self.night, code)}


def first_night(folder: Path, profile: str) -> FirstNight:
    """A night of the whole district under a profile with its defaults."""
    pipeline = Pipeline(folder, {"profile": profile})
    return FirstNight(profile, pipeline, pipeline.night(whole_district()))

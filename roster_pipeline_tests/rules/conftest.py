"""One night of the whole district under each profile, made once and only looked at."""

from dataclasses import dataclass

import pytest

from roster_pipeline_tests.pipeline import Night, Pipeline, Row
from roster_pipeline_tests.rules.district import whole_district

PROFILES = ("skyward", "infinite_campus")


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


def first_night(folder: pytest.TempPathFactory, profile: str) -> FirstNight:
    """A night of the whole district under a profile with its defaults."""
    pipeline = Pipeline(folder.mktemp(profile), {"profile": profile})
    return FirstNight(profile, pipeline, pipeline.night(whole_district()))


@pytest.fixture(scope="session")
def skyward(tmp_path_factory: pytest.TempPathFactory) -> FirstNight:
    """The first night of a Skyward district."""
    return first_night(tmp_path_factory, "skyward")


@pytest.fixture(scope="session")
def campus(tmp_path_factory: pytest.TempPathFactory) -> FirstNight:
    """The first night of an Infinite Campus district."""
    return first_night(tmp_path_factory, "infinite_campus")


@pytest.fixture(params=PROFILES)
def district(request: pytest.FixtureRequest, skyward: FirstNight, campus: FirstNight) -> FirstNight:
    """The first night, once for each profile."""
    return {"skyward": skyward, "infinite_campus": campus}[request.param]

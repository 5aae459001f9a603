"""One night of the whole district under each profile, made once and only looked at."""

import pytest

from roster_pipeline_tests.rules.first_night import FirstNight, first_night

PROFILES = ("skyward", "infinite_campus")


@pytest.fixture(scope="session")
def skyward(tmp_path_factory: pytest.TempPathFactory) -> FirstNight:
    """The first night of a Skyward district."""
    return first_night(tmp_path_factory.mktemp("skyward"), "skyward")


@pytest.fixture(scope="session")
def campus(tmp_path_factory: pytest.TempPathFactory) -> FirstNight:
    """The first night of an Infinite Campus district."""
    return first_night(tmp_path_factory.mktemp("campus"), "infinite_campus")


@pytest.fixture(params=PROFILES)
def district(request: pytest.FixtureRequest, skyward: FirstNight, campus: FirstNight) -> FirstNight:
    """The first night, once for each profile."""
    return {"skyward": skyward, "infinite_campus": campus}[request.param]

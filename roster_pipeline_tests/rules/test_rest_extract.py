"""What is asked of a OneRoster REST service, and by whom."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from roster_pipeline.oneroster.errors import RestError
from roster_pipeline.oneroster.extract import Extract
from roster_pipeline.oneroster.resources import ROSTER_RESOURCES
from roster_pipeline.oneroster.rest_extract import RestExtractor
from roster_pipeline.sandbox.district import District
from roster_pipeline.sandbox.generator import make_district
from roster_pipeline.sandbox.objects import KINDS
from roster_pipeline.sandbox.sis.faults.setup import Oauth1
from roster_pipeline.sandbox.sis_server import SandboxSis
from roster_pipeline.settings.connection import Rest
from roster_pipeline_tests.oneroster.services import QUICK, oauth1_settings, rest_settings


def _extract(settings: Rest, folder: Path) -> Extract:
    folder.mkdir()
    return RestExtractor(settings, QUICK).extract(folder, lambda *_: None)


@pytest.fixture(scope="module")
def district() -> District:
    return make_district(100)


@pytest.fixture(scope="module")
def read(district: District, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SandboxSis, Extract]]:
    """A service after one extract of everything."""
    with SandboxSis(district) as sis:
        yield sis, _extract(rest_settings(sis), tmp_path_factory.mktemp("rest") / "raw")


@pytest.mark.rule("SK-001", "IC-001")
def test_only_the_paths_of_oneroster_1_1_are_asked_for(read: tuple[SandboxSis, Extract]) -> None:
    sis, _ = read
    paths = {request.path for request in sis.requests if request.method != "POST"}
    assert paths
    assert all(path.startswith("/ims/oneroster/v1p1/") for path in paths)


@pytest.mark.rule("SK-004", "IC-003")
def test_the_six_rostering_collections_come_whole_and_no_other_is_asked_for(
    read: tuple[SandboxSis, Extract], district: District
) -> None:
    sis, extract = read
    collections = {request.path.rpartition("/")[2] for request in sis.requests if request.method == "GET"}
    assert collections == {resource.name for resource in ROSTER_RESOURCES}
    for resource in ROSTER_RESOURCES:
        assert extract.resources[resource.name].rows == len(district.all(KINDS[resource.name])) > 0


@pytest.mark.rule("SK-005", "IC-004", "SK-006")
def test_the_roster_is_read_and_nothing_is_written_nor_any_category_read(read: tuple[SandboxSis, Extract]) -> None:
    sis, _ = read
    service = [request for request in sis.requests if not request.path.endswith("/token")]
    assert {request.method for request in service} == {"GET"}
    assert not [request.path for request in service if "categories" in request.path]


@pytest.mark.rule("CF-006")
def test_two_sources_never_share_a_token(district: District, tmp_path: Path) -> None:
    with SandboxSis(district, client_id="elm") as elm, SandboxSis(district, client_id="oak") as oak:
        for place, sis in enumerate((elm, oak)):
            _extract(rest_settings(sis), tmp_path / str(place))
        for sis in (elm, oak):
            tokens = [request for request in sis.requests if request.path.endswith("/token")]
            assert len(tokens) == 1
            assert {request.status for request in sis.requests} == {200}


@pytest.mark.rule("CF-007")
@pytest.mark.parametrize("method", ["HMAC-SHA256", "HMAC-SHA1"])
def test_oauth_1_signs_every_request(district: District, tmp_path: Path, method: str) -> None:
    with SandboxSis(district, faults=[Oauth1()]) as sis:
        sis.authentication.scheme = "HMAC-SHA1" if method == "HMAC-SHA1" else "HMAC-SHA256"
        extract = _extract(oauth1_settings(sis, method), tmp_path / "raw")
        assert extract.resources["users"].rows
        assert not [request for request in sis.requests if request.path.endswith("/token")]


@pytest.mark.rule("CF-007")
def test_oauth_2_is_the_other_way_in(read: tuple[SandboxSis, Extract]) -> None:
    sis, extract = read
    assert sis.authentication.scheme == "oauth2"
    assert extract.resources["users"].rows


@pytest.mark.rule("CF-007")
def test_the_wrong_mode_fails_and_says_so(district: District, tmp_path: Path) -> None:
    with SandboxSis(district) as sis, pytest.raises(RestError, match=r"401.*(credentials|auth)"):
        _extract(oauth1_settings(sis), tmp_path / "raw")

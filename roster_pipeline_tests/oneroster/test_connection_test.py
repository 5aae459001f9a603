import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.responses import Response

from roster_pipeline.oneroster.connection_test import CheckResult, check_connection, is_passed
from roster_pipeline.oneroster.resources import ROSTER_RESOURCES
from roster_pipeline.sandbox.objects import User
from roster_pipeline.sandbox.sftp_server import SandboxSftp
from roster_pipeline.sandbox.sis.faults import Fault, paging, setup, transport
from roster_pipeline.settings.connection import Connection, Folder
from roster_pipeline_tests.oneroster.conftest import StartService, StartSis
from roster_pipeline_tests.oneroster.services import QUICK, Received, json, oauth1_settings, rest_settings, with_token
from roster_pipeline_tests.oneroster.test_csv_bundle import zipped
from roster_pipeline_tests.oneroster.test_sftp import settings_of
from roster_pipeline_tests.roster_files import RosterFiles

RESOURCE_NAMES = [resource.name for resource in ROSTER_RESOURCES]


def check(connection: Connection, home: Path = Path()) -> dict[str, CheckResult]:
    """The results by step; times are checked on the way."""
    results = check_connection(connection, home, policy=QUICK, poll_seconds=0.01)
    assert all(result.seconds >= 0 for result in results)
    assert is_passed(results) == all(result.outcome != "failed" for result in results)
    assert len({result.step for result in results}) == len(results)
    assert all((result.diagnosis is not None) == (result.outcome == "failed") for result in results)
    return {result.step: result for result in results}


def test_a_rest_service_that_has_everything(start_sis: StartSis) -> None:
    sis = start_sis()
    results = check(rest_settings(sis))
    assert list(results) == ["credentials", *RESOURCE_NAMES, "clock", "page size", "totals", "sorting", "filtering"]
    assert {result.outcome for result in results.values()} == {"passed"}
    assert "roster-core.readonly, roster.readonly" in results["credentials"].detail
    assert results["users"].detail.startswith("100 rows of ")
    assert re.fullmatch(r"this machine's clock is [+-]\d+ s off the server's", results["clock"].detail)
    assert sis.client_secret not in repr(results)


def test_signed_requests(start_sis: StartSis) -> None:
    results = check(oauth1_settings(start_sis(setup.Oauth1())))
    assert "credentials" not in results
    assert {result.outcome for result in results.values()} == {"passed"}


def test_nothing_of_pupils_is_part_of_it(start_sis: StartSis) -> None:
    sis = start_sis()
    results = check(rest_settings(sis))
    pupils = [user for user in sis.district.all(User).values() if user.role == "student"][:50]
    for pupil in pupils:
        assert pupil.family_name not in repr(results)
        assert pupil.username not in repr(results)


@pytest.mark.parametrize(
    ("fault", "step", "detail"),
    [
        (lambda: paging.LimitCap(limit=7), "page size", "the service caps pages at 7 rows, 100 were asked for"),
        (paging.NoTotal, "totals", "no X-Total-Count"),
        (paging.SortIgnored, "sorting", "ignored"),
        (paging.SortUnsupported, "sorting", "refused"),
        (paging.FilterIgnored, "filtering", "ignored"),
        (paging.FilterUnsupported, "filtering", "refused"),
    ],
)
def test_what_is_not_offered_is_a_warning(
    start_sis: StartSis, fault: Callable[[], Fault], step: str, detail: str
) -> None:
    results = check(rest_settings(start_sis(fault())))
    assert (results[step].outcome, detail in results[step].detail) == ("warning", True)
    assert "failed" not in {result.outcome for result in results.values()}


def test_an_empty_collection_is_a_warning(start_service: StartService) -> None:
    service = start_service(with_token(lambda request: json({request.path.rsplit("/", 1)[-1]: []})))
    results = check(service.settings())
    assert {results[name].outcome for name in RESOURCE_NAMES} == {"warning"}
    assert results["sorting"].outcome == "skipped"


@pytest.mark.rule("OT-010")
@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refusal_on_the_base_path_is_the_licence_or_the_credentials(start_service: StartService, status: int) -> None:
    body = {"statusInfoSet": [{"imsx_codeMajor": "failure", "imsx_codeMinor": "forbidden"}]}
    service = start_service(with_token(lambda _: json(body, status)))
    results = check(service.settings())
    assert results["credentials"].outcome == "passed"
    assert {results[name].diagnosis for name in RESOURCE_NAMES} == {"licence_or_credentials"}
    assert list(results) == ["credentials", *RESOURCE_NAMES]


def test_one_collection_that_is_switched_off(start_sis: StartSis) -> None:
    results = check(rest_settings(start_sis(transport.CollectionForbidden(resource="users"))))
    assert results["users"].diagnosis == "licence_or_credentials"
    assert "have the SIS share the schools and data sets" in results["users"].detail
    assert results["orgs"].outcome == "passed"
    assert results["filtering"].outcome == "passed"


@pytest.mark.parametrize(
    ("answer", "diagnosis"),
    [
        pytest.param(Response("Not here", 404), "wrong_url", id="404"),
        pytest.param(Response("<html>", 200), "not_oneroster", id="HTML"),
        pytest.param(json({"error": "x"}), "not_oneroster", id="another service"),
        pytest.param(Response("", 503), "service", id="503"),
        pytest.param(Response("", 302, {"Location": "https://example.org/"}), "wrong_url", id="redirect"),
        pytest.param(json({"imsx_codeMajor": "failure"}), "service", id="failure"),
    ],
)
def test_trouble_of_the_service(start_service: StartService, answer: Response, diagnosis: str) -> None:
    results = check(start_service(with_token(lambda _: answer)).settings())
    assert {results[name].diagnosis for name in RESOURCE_NAMES} == {diagnosis}


@pytest.mark.parametrize(
    ("answer", "diagnosis"),
    [
        pytest.param(json({"error": "invalid_client"}, 401), "credentials", id="401"),
        pytest.param(json({"error": "unauthorized_client"}, 400), "credentials", id="400"),
        pytest.param(Response("", 404), "wrong_url", id="404"),
        pytest.param(Response("", 302, {"Location": "/login"}), "wrong_url", id="302"),
        pytest.param(Response("<html>"), "wrong_url", id="HTML"),
        pytest.param(json({}), "wrong_url", id="no token"),
        pytest.param(Response("", 500), "service", id="500"),
    ],
)
def test_trouble_of_the_token_endpoint(start_service: StartService, answer: Response, diagnosis: str) -> None:
    results = check(start_service(lambda _: answer).settings())
    assert list(results) == ["credentials"]
    assert results["credentials"].diagnosis == diagnosis


def test_nobody_there(start_service: StartService) -> None:
    settings = start_service(with_token(lambda _: json({}))).settings(
        endpoint_url="http://127.0.0.1:9/ims/oneroster/v1p1"
    )
    assert check(settings)["users"].diagnosis == "unreachable"


def test_a_wrong_certificate(start_service: StartService, tls_service_url: str) -> None:
    settings = start_service(with_token(lambda _: json({}))).settings(endpoint_url=tls_service_url)
    assert check(settings)["users"].diagnosis == "tls"


def test_a_clock_that_is_off(start_sis: StartSis, monkeypatch: pytest.MonkeyPatch) -> None:
    sis = start_sis()
    monkeypatch.setattr("roster_pipeline.oneroster.connection_test.clock_skew", lambda _: 100.0)
    clock = check(rest_settings(sis))["clock"]
    assert (clock.outcome, clock.detail) == ("warning", "this machine's clock is +100 s off the server's; set it right")


def test_no_page_is_read_twice_in_vain(start_service: StartService) -> None:
    def answer(request: Received) -> Any:
        return json({request.path.rsplit("/", 1)[-1]: [{"sourcedId": "only"}]}, X_Total_Count="1")

    service = start_service(with_token(answer))
    check(service.settings())
    assert len(service.requests) == 1 + len(RESOURCE_NAMES)


def test_a_folder(files: RosterFiles, tmp_path: Path) -> None:
    files.write(tmp_path / "package")
    results = check(Folder(kind="folder", path="package"), tmp_path)
    assert list(results) == ["manifest", *RESOURCE_NAMES]
    assert {result.outcome for result in results.values()} == {"passed"}
    assert "users bulk" in results["manifest"].detail


def test_a_folder_with_oddities(files: RosterFiles, tmp_path: Path) -> None:
    files.modes["courses"] = "absent"
    package = files.write(tmp_path / "package")
    header = (package / "users.csv").read_bytes().replace(b"username", b"UserName")
    (package / "users.csv").write_bytes(header)
    results = check(Folder(kind="folder", path=str(package)))
    assert results["courses"].outcome == "skipped"
    assert results["users"].outcome == "warning"
    assert "container.header_case" in results["users"].detail


def test_a_folder_that_is_no_package(tmp_path: Path) -> None:
    results = check(Folder(kind="folder", path="missing"), tmp_path)
    assert results["package"].outcome == "failed"
    assert "there is no such folder or zip" in results["package"].detail


def test_an_sftp_server(files: RosterFiles, tmp_path: Path) -> None:
    remote = tmp_path / "remote"
    remote.mkdir()
    with SandboxSftp(remote) as server:
        settings = settings_of(server)
        assert check(settings)["folder"].outcome == "warning"
        zipped(files.write(tmp_path / "package"), remote / "roster.zip")
        results = check(settings)
        assert list(results) == ["folder", "download", "manifest", *RESOURCE_NAMES]
        assert {result.outcome for result in results.values()} == {"passed"}
        assert "1 zips, the newest is roster.zip" in results["folder"].detail
        wrong = settings_of(server, password=SecretStr("wrong"))
        assert check(wrong)["folder"].diagnosis == "credentials"
        (remote / "roster.zip").write_bytes(b"nonsense")
        assert check(settings)["package"].diagnosis == "not_oneroster"

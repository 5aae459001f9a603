import base64
import logging
import threading
import time
from typing import Literal
from urllib.parse import parse_qs

import pytest
from starlette.responses import Response

from roster_pipeline.oneroster.auth import SCOPE_PREFIX, ClientCredentials
from roster_pipeline.oneroster.errors import CredentialsError, RestError
from roster_pipeline.oneroster.gradebook_client import gradebook_scopes
from roster_pipeline.oneroster.rest_client import RestClient
from roster_pipeline.sandbox.sis.faults.setup import FormBodyCredentials, LimitedScopes, NoExpiresIn, Oauth1
from roster_pipeline.settings.connection import OAuth2
from roster_pipeline_tests.oneroster.conftest import StartService, StartSis
from roster_pipeline_tests.oneroster.services import (
    QUICK,
    Received,
    json,
    oauth1_settings,
    rest_settings,
    token,
    with_token,
)


def authentication(client: RestClient) -> ClientCredentials:
    assert isinstance(client.authentication, ClientCredentials)
    return client.authentication


def form(request: Received) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(request.body.decode()).items()}


def orgs(request: Received) -> Response:  # noqa: ARG001 - answers every request alike
    return json({"orgs": []})


def test_credentials_in_the_header(start_service: StartService) -> None:
    service = start_service(with_token(orgs))
    with RestClient(service.settings(), policy=QUICK) as client:
        client.get("orgs")
    asked, read = service.requests
    assert asked.headers["authorization"] == "Basic " + base64.b64encode(b"client:top-secret").decode()
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
    scope = " ".join(SCOPE_PREFIX + name for name in ("roster-core.readonly", "roster.readonly"))
    assert form(asked) == {"grant_type": "client_credentials", "scope": scope}
    assert read.headers["authorization"] == "Bearer t-1"


def test_credentials_in_the_body(start_service: StartService) -> None:
    service = start_service(with_token(orgs))
    with RestClient(service.settings(auth_credentials_in="body"), policy=QUICK) as client:
        client.get("orgs")
    assert "authorization" not in service.requests[0].headers
    assert form(service.requests[0])["client_secret"] == "top-secret"


def test_form_body_sis(start_sis: StartSis) -> None:
    sis = start_sis(FormBodyCredentials())
    with RestClient(rest_settings(sis, auth_credentials_in="body"), policy=QUICK) as client:
        assert client.get("orgs").status == 200
    with (
        RestClient(rest_settings(sis), policy=QUICK) as client,
        pytest.raises(CredentialsError, match=r"connection\.auth\.credentials_in: body"),
    ):
        client.get("orgs")


def test_one_token_serves_all_threads(start_service: StartService) -> None:
    service = start_service(with_token(orgs))
    with RestClient(service.settings(), policy=QUICK) as client:
        threads = [threading.Thread(target=client.get, args=["orgs"]) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sum(request.path == "/token" for request in service.requests) == 1


def test_a_refused_token_is_renewed_once_for_all_threads(start_service: StartService) -> None:
    tokens = iter(["old", "new", "newer"])
    together = threading.Barrier(4)

    def answer(request: Received) -> Response:
        if request.path == "/token":
            return token(next(tokens))
        return json({"orgs": []}) if request.headers["authorization"] == "Bearer new" else json({}, 401)

    service = start_service(answer)
    with RestClient(service.settings(), policy=QUICK) as client:

        def read() -> None:
            authentication(client).token()
            together.wait()
            client.get("orgs")

        threads = [threading.Thread(target=read) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert authentication(client).token() == "new"
    assert sum(request.path == "/token" for request in service.requests) == 2


def test_a_second_401_is_an_error(start_service: StartService) -> None:
    service = start_service(with_token(lambda _: json({}, 401)))
    with (
        RestClient(service.settings(), policy=QUICK) as client,
        pytest.raises(CredentialsError, match="It issued a token and does not accept it"),
    ):
        client.get("orgs")
    assert [request.path.rsplit("/", 1)[-1] for request in service.requests] == ["token", "orgs", "token", "orgs"]


@pytest.mark.parametrize(
    ("expires_in", "fetched"),
    [
        pytest.param(3600, 1, id="an hour"),
        pytest.param("3600", 1, id="as text"),
        pytest.param(None, 1, id="missing"),
        pytest.param("soon", 1, id="no number"),
        pytest.param(0, 1, id="nought"),
        pytest.param(0.001, 3, id="at once"),
    ],
)
def test_life_of_a_token(start_service: StartService, expires_in: object, fetched: int) -> None:
    service = start_service(lambda _: token(expires_in=expires_in))
    with RestClient(service.settings(), policy=QUICK) as client:
        for _ in range(3):
            authentication(client).token()
            threading.Event().wait(0.005)
    assert len(service.requests) == fetched


def test_a_token_is_renewed_before_it_ends(start_service: StartService, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("roster_pipeline.oneroster.auth.time.monotonic", lambda: now[0])
    service = start_service(lambda _: token(expires_in=600))
    with RestClient(service.settings(), policy=QUICK) as client:
        authentication(client).token()
        now[0] += 600 - 61
        authentication(client).token()
        assert len(service.requests) == 1
        now[0] += 2
        authentication(client).token()
    assert len(service.requests) == 2


def test_no_expires_in(start_sis: StartSis) -> None:
    sis = start_sis(NoExpiresIn())
    with RestClient(rest_settings(sis), policy=QUICK) as client:
        for _ in range(2):
            client.get("orgs")
    assert sum(request.path == "/oauth2/token" for request in sis.requests) == 1


@pytest.mark.parametrize(
    ("configured", "offered", "ladder"),
    [
        (["roster-core.readonly", "roster.readonly"], {"roster-core.readonly"}, ["both", "roster-core.readonly"]),
        (
            ["roster-core.readonly", "roster.readonly"],
            {"roster.readonly"},
            ["both", "roster-core.readonly", "roster.readonly"],
        ),
        (
            ["roster-core.readonly", "roster.readonly"],
            {""},
            ["both", "roster-core.readonly", "roster.readonly", ""],
        ),
        (["roster-core.readonly"], {"both"}, ["roster-core.readonly", "both"]),
        (["https://example.org/all"], {""}, ["https://example.org/all", ""]),
    ],
)
def test_scopes_narrow_widen_and_vanish_until_they_are_known(
    start_service: StartService, configured: list[str], offered: set[str], ladder: list[str]
) -> None:
    def name(scope: str) -> str:
        short = [each.removeprefix(SCOPE_PREFIX) for each in scope.split()]
        return "both" if len(short) == 2 else "".join(short)

    def answer(request: Received) -> Response:
        if name(form(request).get("scope", "")) in offered:
            return token()
        return json({"error": "invalid_scope"}, 400)

    service = start_service(answer)
    with RestClient(service.settings(auth_scopes=configured), policy=QUICK) as client:
        authentication(client).token()
        # What was found out is kept.
        authentication(client).renew("Bearer t-1")
    asked = [name(form(request).get("scope", "")) for request in service.requests]
    assert asked == [*ladder, ladder[-1]]


def test_limited_scopes_of_a_sis(start_sis: StartSis) -> None:
    sis = start_sis(LimitedScopes())
    with RestClient(rest_settings(sis), policy=QUICK) as client:
        assert client.get("orgs").status == 200


@pytest.mark.parametrize(
    ("told", "granted"),
    [
        ({}, {"gradebook.createput", "gradebook.readonly"}),
        ({"scope": f"{SCOPE_PREFIX}gradebook.readonly"}, {"gradebook.readonly"}),
        ({"scope": "gradebook.readonly"}, {"gradebook.readonly"}),
        ({"scope": "everything"}, set()),
        ({"scope": ["gradebook.readonly"]}, {"gradebook.createput", "gradebook.readonly"}),
    ],
)
def test_what_a_token_is_good_for(start_service: StartService, told: dict[str, object], granted: set[str]) -> None:
    service = start_service(lambda _: json({"access_token": "t-1", "token_type": "bearer", **told}))
    scopes = ["gradebook.createput", "gradebook.readonly"]
    with RestClient(service.settings(), policy=QUICK, scopes=scopes) as client:
        authentication(client).token()
        assert authentication(client).granted == granted


def test_a_writer_would_rather_do_without_deletes_than_without_writing(start_sis: StartSis) -> None:
    sis = start_sis(LimitedScopes("gradebook.readonly gradebook.createput"))
    with RestClient(rest_settings(sis), policy=QUICK, scopes=gradebook_scopes(deletes=True)) as client:
        authentication(client).token()
        assert authentication(client).granted == {"gradebook.readonly", "gradebook.createput"}


def test_scopes_of_another_purpose(start_service: StartService) -> None:
    service = start_service(with_token(orgs))
    with RestClient(service.settings(), policy=QUICK, scopes=["gradebook.createput"]) as client:
        client.get("orgs")
    assert form(service.requests[0])["scope"] == SCOPE_PREFIX + "gradebook.createput"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param(json({"error": "invalid_client"}, 401), r"HTTP 401 \(invalid_client\).*client_secret", id="401"),
        pytest.param(Response("nope", 403), r"HTTP 403: the SIS refuses client 'client'", id="403"),
        pytest.param(Response("", 404), r"Correct connection.auth.token_url", id="404"),
        pytest.param(Response("", 302, {"Location": "/login"}), "final address as connection.auth.token_url", id="302"),
        pytest.param(Response("<html>", 200), "is no JSON; this is no token endpoint", id="HTML"),
        pytest.param(json([]), "is no JSON; this is no token endpoint", id="array"),
        pytest.param(json({"token": "x"}), "holds no access_token", id="no token"),
        pytest.param(Response("", 500), "HTTP 500, again and again", id="500"),
    ],
)
def test_what_is_wrong_is_said_without_the_secret(
    start_service: StartService, caplog: pytest.LogCaptureFixture, answer: Response, said: str
) -> None:
    caplog.set_level(logging.DEBUG)
    service = start_service(lambda _: answer)
    with RestClient(service.settings(), policy=QUICK) as client, pytest.raises(RestError, match=said) as caught:
        client.get("orgs")
    assert f"{service.url}/token" in str(caught.value)
    assert "top-secret" not in str(caught.value) + caplog.text
    assert base64.b64encode(b"client:top-secret").decode() not in str(caught.value) + caplog.text


def test_the_token_endpoint_may_fail_once(start_service: StartService) -> None:
    answers = iter([Response("", 503), token()])
    service = start_service(lambda _: next(answers))
    with RestClient(service.settings(), policy=QUICK) as client:
        assert authentication(client).token() == "t-1"


def test_a_token_never_appears_in_a_message_or_log(
    start_service: StartService, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    service = start_service(lambda request: token("s3cr3t-token") if request.path == "/token" else json({}, 403))
    with RestClient(service.settings(), policy=QUICK) as client, pytest.raises(RestError) as caught:
        client.get("orgs")
    assert "s3cr3t-token" not in str(caught.value) + repr(caught.value) + caplog.text


@pytest.mark.rule("CF-006")
def test_two_sources_never_share_a_token(start_service: StartService) -> None:
    first, second = start_service(with_token(orgs)), start_service(with_token(orgs))
    settings = first.settings()
    # Another source with the same credentials, and one with the same everything.
    other = second.settings()
    with RestClient(settings) as one, RestClient(other) as two, RestClient(settings) as three:
        for client in (one, two, three):
            client.get("orgs")
    assert sum(request.path == "/token" for request in first.requests) == 2
    assert sum(request.path == "/token" for request in second.requests) == 1


@pytest.mark.rule("CF-007")
@pytest.mark.parametrize("method", ["HMAC-SHA1", "HMAC-SHA256"])
def test_signed_requests(start_sis: StartSis, method: Literal["HMAC-SHA1", "HMAC-SHA256"]) -> None:
    sis = start_sis(Oauth1(signature_method=method))
    with RestClient(oauth1_settings(sis, method), policy=QUICK) as client:
        answer = client.get("users", {"limit": 2, "filter": "role='student' AND status='active'"})
        assert len(answer.body["users"]) == 2
    assert all("token" not in request.path for request in sis.requests)


@pytest.mark.rule("CF-007")
def test_the_wrong_mode_is_a_clear_error(start_sis: StartSis) -> None:
    sis = start_sis(Oauth1(signature_method="HMAC-SHA1"))
    for settings, said in [
        (oauth1_settings(sis, "HMAC-SHA256"), "whether the SIS wants signature_method: HMAC-SHA1 or kind: oauth2"),
        (rest_settings(sis), "It issued a token and does not accept it"),
    ]:
        with RestClient(settings, policy=QUICK) as client, pytest.raises(CredentialsError, match=said):
            client.get("orgs")


def test_a_clock_that_is_off_is_told_with_oauth_1(start_service: StartService, monkeypatch: pytest.MonkeyPatch) -> None:
    service = start_service(lambda _: json({}, 401))
    now = time.time()
    with RestClient(service.oauth1_settings(), policy=QUICK) as client:
        monkeypatch.setattr("time.time", lambda: now + 1000)
        with pytest.raises(CredentialsError, match=r"This machine's clock is \+(999|100\d) s off the server's"):
            client.get("orgs")


def test_settings_show_no_secret(start_service: StartService) -> None:
    settings = start_service(orgs).settings()
    assert isinstance(settings.auth, OAuth2)
    assert "top-secret" not in repr(settings) + settings.model_dump_json()

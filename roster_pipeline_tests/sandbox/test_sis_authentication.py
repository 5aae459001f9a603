"""OAuth 2 client credentials and OAuth 1.0a signatures, with clients of requests and requests-oauthlib."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

import pytest
import requests
from oauthlib.oauth1 import Client as Signer
from requests_oauthlib import OAuth1

from roster_pipeline.sandbox.generator import make_district
from roster_pipeline.sandbox.sis.faults.setup import (
    FormBodyCredentials,
    LimitedScopes,
    NoExpiresIn,
    Oauth1,
    ShortTokenLife,
)
from roster_pipeline.sandbox.sis_server import SandboxSis

from .client import SCOPE, Client, code_minor

GRANT = {"grant_type": "client_credentials"}


@pytest.fixture(scope="module")
def sis() -> Iterator[SandboxSis]:
    with SandboxSis(make_district(100)) as server:
        yield server


def ask_token(sis: SandboxSis, form: dict[str, str], **options: Any) -> requests.Response:
    options.setdefault("auth", (sis.client_id, sis.client_secret))
    return requests.post(sis.token_url, form, timeout=30, **options)


def test_a_token_is_given_for_credentials_in_the_header_or_in_the_body(sis: SandboxSis) -> None:
    credentials = {"client_id": sis.client_id, "client_secret": sis.client_secret}

    for answer in (ask_token(sis, GRANT), ask_token(sis, {**GRANT, **credentials}, auth=None)):
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-store"
        token = answer.json()
        assert (token["token_type"], token["expires_in"]) == ("bearer", 3600)
        headers = {"Authorization": f"Bearer {token['access_token']}"}
        assert requests.get(f"{sis.endpoint_url}/orgs", headers=headers, timeout=30).status_code == 200


@pytest.mark.parametrize(
    ("form", "options", "status", "error"),
    [
        (GRANT, {"auth": ("brightspace", "guess")}, 401, "invalid_client"),
        (GRANT, {"auth": None}, 401, "invalid_client"),
        (GRANT, {"auth": None, "headers": {"Authorization": "Basic !!"}}, 401, "invalid_client"),
        ({"grant_type": "password"}, {}, 400, "unsupported_grant_type"),
        ({}, {}, 400, "unsupported_grant_type"),
        ({**GRANT, "scope": SCOPE + "roster.write"}, {}, 400, "invalid_scope"),
        ({**GRANT, "scope": f"{SCOPE}roster.readonly everything"}, {}, 400, "invalid_scope"),
        ({**GRANT, "client_id": "x", "client_secret": "y"}, {}, 400, "invalid_request"),
        (GRANT, {"headers": {"Content-Type": "text/plain"}}, 400, "invalid_request"),
    ],
)
def test_a_token_is_refused(
    sis: SandboxSis, form: dict[str, str], options: dict[str, Any], status: int, error: str
) -> None:
    # A form without fields has no content type unless it is given.
    options = {"headers": {"Content-Type": "application/x-www-form-urlencoded"}, **options}

    answer = ask_token(sis, form, **options)

    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)
    assert sis.client_secret not in answer.text


def test_a_token_opens_what_its_scopes_say(sis: SandboxSis) -> None:
    cases = {
        "roster-core.readonly": {"users": 200, "schools/org-0101/classes": 403, "lineItems": 403, "demographics": 403},
        "roster.readonly": {"users": 403, "schools/org-0101/classes": 200, "categories": 403, "resources": 403},
        "gradebook.readonly": {"categories": 200, "users": 403},
        "roster-demographics.readonly": {"demographics": 200, "users": 403},
    }
    for scope, expected in cases.items():
        client = Client(sis, [scope])
        with client.session:
            assert {path: client.get(path).status_code for path in expected} == expected


def test_a_missing_scope_is_named(sis: SandboxSis) -> None:
    client = Client(sis, ["roster-core.readonly"])
    with client.session:
        answer = client.put("results", "result", {"sourcedId": "r1"})

    assert (answer.status_code, code_minor(answer)) == (403, "forbidden")
    assert f'scope="{SCOPE}gradebook.createput"' in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("header", [None, "Bearer guess", "Bearer ", "Basic Zm9vOmJhcg=="])
def test_without_a_good_token_there_is_401(sis: SandboxSis, header: str | None) -> None:
    headers = {"Authorization": header} if header else {}

    answer = requests.get(f"{sis.endpoint_url}/users", headers=headers, timeout=30)

    assert (answer.status_code, code_minor(answer)) == (401, "unauthorized")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_token_ends_with_its_time_and_when_it_is_revoked() -> None:
    now = 1_000_000.0
    with SandboxSis(make_district(100), faults=[ShortTokenLife(5)]) as sis:
        sis.authentication.clock = lambda: now
        client = Client(sis)
        with client.session:
            now += 4.9
            assert client.get("orgs").status_code == 200
            now += 0.1
            assert client.get("orgs").status_code == 401
            client.sign_in()
            assert client.get("orgs").status_code == 200
            sis.authentication.revoke_tokens()
            assert client.get("orgs").status_code == 401


def test_variants_of_the_token_endpoint() -> None:
    faults = [ShortTokenLife(7), NoExpiresIn(), FormBodyCredentials(), LimitedScopes("roster.readonly")]
    with SandboxSis(make_district(100), faults=faults[1:]) as sis:
        credentials = {"client_id": sis.client_id, "client_secret": sis.client_secret}
        assert ask_token(sis, GRANT).status_code == 401
        token = ask_token(sis, {**GRANT, **credentials}, auth=None).json()
        refused = ask_token(sis, {**GRANT, **credentials, "scope": SCOPE + "roster-core.readonly"}, auth=None)

    assert "expires_in" not in token
    assert token["scope"] == SCOPE + "roster.readonly"
    assert refused.json()["error"] == "invalid_scope"


METHODS = ["HMAC-SHA1", "HMAC-SHA256"]


@pytest.mark.parametrize("method", METHODS)
def test_signed_requests_pass(method: Any) -> None:
    with SandboxSis(make_district(100), faults=[Oauth1(method)]) as sis, requests.Session() as session:
        session.auth = OAuth1(sis.client_id, sis.client_secret, signature_method=method)
        base = sis.endpoint_url

        query = {"filter": "familyName~'O''B' OR role='student'", "limit": "5"}
        assert session.get(f"{base}/users", params=query, timeout=30).status_code == 200
        # The path is signed as it was sent, percent-encoded.
        assert session.get(f"{base}/users/a%2Fb%20c%3A%25", timeout=30).status_code == 404
        # A JSON body is no part of the signature.
        put = session.put(f"{base}/results/r1", json={"result": {"a=b&c": "d"}}, timeout=30)
        assert put.status_code == 422
        # Nor is there a token to be had.
        assert requests.get(f"{base}/users", headers={"Authorization": "Bearer x"}, timeout=30).status_code == 401


@pytest.fixture(scope="module", params=METHODS)
def signed(request: pytest.FixtureRequest) -> Iterator[tuple[SandboxSis, str]]:
    with SandboxSis(make_district(100), faults=[Oauth1(request.param)]) as server:
        yield server, request.param


def sign(sis: SandboxSis, url: str, **options: Any) -> requests.Response:
    options = {"client_key": sis.client_id, "client_secret": sis.client_secret, **options}
    signed_url, headers, _ = Signer(**options).sign(url)
    return requests.get(signed_url, headers=headers, timeout=30)


def test_the_other_method_a_wrong_key_or_secret_and_an_old_timestamp_are_401(signed: tuple[SandboxSis, str]) -> None:
    sis, method = signed
    other = next(each for each in METHODS if each != method)
    url = f"{sis.endpoint_url}/orgs"

    assert sign(sis, url, signature_method=method).status_code == 200
    for wrong in (
        {"signature_method": other},
        {"signature_method": "PLAINTEXT"},
        {"client_secret": "guess"},
        {"client_key": "nobody"},
        {"timestamp": "1500000000"},
        {"timestamp": "soon"},
    ):
        answer = sign(sis, url, **{"signature_method": method, **wrong})
        assert (answer.status_code, code_minor(answer)) == (401, "unauthorized"), wrong
        assert answer.headers["WWW-Authenticate"].startswith("OAuth")


def test_a_signature_is_good_once_and_for_its_own_request_only(signed: tuple[SandboxSis, str]) -> None:
    sis, method = signed
    url, headers, _ = Signer(sis.client_id, sis.client_secret, signature_method=method).sign(f"{sis.endpoint_url}/orgs")

    other_query = requests.get(f"{url}?limit=1", headers=headers, timeout=30)
    first = requests.get(url, headers=headers, timeout=30)
    again = requests.get(url, headers=headers, timeout=30)

    assert (other_query.status_code, again.status_code) == (401, 401)
    # The nonce was used up by the request whose query was not signed.
    assert first.status_code == 401
    assert sign(sis, f"{sis.endpoint_url}/orgs", signature_method=method).status_code == 200


def test_scopes_play_no_part_in_oauth_1(signed: tuple[SandboxSis, str]) -> None:
    sis, method = signed

    assert sign(sis, f"{sis.endpoint_url}/categories", signature_method=method).status_code == 200
    assert sign(sis, f"{sis.endpoint_url}/schools/org-0101/classes", signature_method=method).status_code == 200


def test_a_query_that_is_not_percent_encoded_is_401_not_a_crash(signed: tuple[SandboxSis, str]) -> None:
    sis, method = signed
    _, headers, _ = Signer(sis.client_id, sis.client_secret, signature_method=method).sign(f"{sis.endpoint_url}/orgs")
    query = "filter=a>'b'"
    assert dict(parse_qsl(query))
    prepared = requests.Request("GET", f"{sis.endpoint_url}/orgs", headers=headers).prepare()
    prepared.url = f"{sis.endpoint_url}/orgs?{query}"

    with requests.Session() as session:
        assert session.send(prepared, timeout=30).status_code == 401

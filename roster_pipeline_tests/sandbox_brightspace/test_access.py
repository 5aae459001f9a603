"""Tokens, versions, scopes, rate, and what goes wrong on the way."""

import time
from typing import Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from roster_pipeline.sandbox.brightspace.authorization import ASSERTION_TYPE
from roster_pipeline.sandbox.brightspace.faults import CutConnection, HiddenRows, LostAnswer, ServerErrors
from roster_pipeline.sandbox.brightspace.rate_limit import RateLimit
from roster_pipeline.sandbox.brightspace_server import SandboxBrightspace
from roster_pipeline.sandbox.brightspace_tenant import Tenant

from .client import Client, user_block


def test_a_refresh_token_is_good_once(brightspace: SandboxBrightspace, client: Client) -> None:
    first = brightspace.refresh_token
    answer = client.refresh("core:*:*", first)
    assert answer.status_code == 200
    assert answer.json()["refresh_token"] == brightspace.refresh_token != first
    again = client.refresh("core:*:*", first)
    assert (again.status_code, again.json()) == (400, {"error": "invalid_grant"})


def test_a_scope_that_was_not_registered_is_refused(client: Client) -> None:
    assert client.refresh("core:*:* everything:*:*").json() == {"error": "invalid_scope"}


class TestClientAssertion:
    """Client credentials, with an assertion that only the holder of the private key can sign."""

    key = ec.generate_private_key(ec.SECP256R1())

    def ask(self, brightspace: SandboxBrightspace, *, key: Any = None, **changes: Any) -> requests.Response:
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": brightspace.client_id,
            "sub": brightspace.client_id,
            "aud": brightspace.token_url,
        }
        claims |= {"iat": now, "exp": now + 60, "jti": str(time.monotonic_ns()), **changes}
        form = {
            "grant_type": "client_credentials",
            "client_id": brightspace.client_id,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": jwt.encode(claims, key or self.key, "ES256", {"kid": "k1"}),
            "scope": "core:*:*",
        }
        return requests.post(brightspace.token_url, form, timeout=30)

    def test_only_a_fresh_one_signed_with_the_registered_key_opens(self) -> None:
        public = self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        with SandboxBrightspace(public_keys={"k1": public.decode()}) as brightspace:
            assert self.ask(brightspace).status_code == 200
            now = int(time.time())
            for wrong in (
                {"key": ec.generate_private_key(ec.SECP256R1())},
                {"aud": "https://auth.elsewhere.example/token"},
                {"sub": "somebody-else"},
                {"iss": "somebody-else"},
                {"iat": now - 400, "exp": now - 340},
                {"exp": now + 301},
            ):
                assert self.ask(brightspace, **wrong).json() == {"error": "invalid_client"}
            assert self.ask(brightspace, jti="once").status_code == 200
            assert self.ask(brightspace, jti="once").status_code == 401


def test_without_a_token_nothing_but_the_organization_and_the_versions_is_told(
    brightspace: SandboxBrightspace, client: Client
) -> None:
    del client.session.headers["Authorization"]
    assert client.refused("GET", "/users/whoami") == 401
    assert client.get("/organization/info")["Identifier"] == str(brightspace.tenant.tree.root_id)
    assert client.get("lp/versions/")["LatestVersion"] == "1.57"


def test_a_token_ends() -> None:
    with SandboxBrightspace(token_life=0) as brightspace:
        assert Client(brightspace).refused("GET", "/users/whoami") == 401


def test_each_operation_asks_for_its_own_scope(brightspace: SandboxBrightspace) -> None:
    client = Client(brightspace, "users:userdata:read")
    assert client.call("GET", "/users/").status_code == 200
    assert client.refused("GET", "/orgstructure/") == 403
    assert client.refused("GET", "/outypes/") == 403


def test_old_versions_are_gone(client: Client) -> None:
    assert client.refused("GET", "lp/1.45/users/whoami") == 404
    assert client.call("GET", "lp/1.46/users/whoami").status_code == 200
    asked = [{"ProductCode": "lp", "Version": "1.9"}, {"ProductCode": "le", "Version": "1.82"}]
    answer = client.session.post(f"{client.brightspace.url}/d2l/api/versions/check", json=asked, timeout=30).json()
    assert [each["Supported"] for each in answer["Versions"]] == [False, True]
    assert answer["Supported"] is False


def test_trailing_slashes_count(client: Client) -> None:
    assert client.refused("GET", "/orgstructure") == 404
    assert client.refused("GET", "/users/whoami/") == 404


def test_ids_of_roles_and_types_differ_between_tenants() -> None:
    one, other = Tenant(seed=1), Tenant(seed=2)
    assert one.role_named("Learner").id != other.role_named("Learner").id
    assert one.tree.type_named("School").id != other.tree.type_named("School").id
    assert one.tree.type_named("Course Offering").id == other.tree.type_named("Course Offering").id == 3


def test_credits_run_out_and_come_back() -> None:
    with SandboxBrightspace(rate_limit=RateLimit(budget=20, window=2)) as brightspace:
        client = Client(brightspace)
        # Begin with a window of our own.
        while client.call("GET", "/outypes/").status_code != 429:
            pass
        refused = client.call("GET", "/outypes/")
        assert "X-Rate-Limit-Remaining" not in refused.headers
        time.sleep(float(refused.headers["Retry-After"]))
        answer = client.call("GET", "/outypes/")
        assert (answer.headers["X-Rate-Limit-Remaining"], answer.headers["X-Request-Cost"]) == ("10", "10")
        assert 0 <= int(answer.headers["X-Rate-Limit-Reset"]) <= 2


def test_server_errors_happen_before_and_lost_answers_after(client: Client) -> None:
    role = client.role_id("Learner")
    with client.brightspace.fault(ServerErrors("POST .*/users/$", times=1)):
        assert client.call("POST", "/users/", user_block("A", role)).status_code == 503
    assert client.refused("GET", "/users/", orgDefinedId="A") == 404
    with client.brightspace.fault(LostAnswer("POST .*/users/$", times=1)):
        assert client.call("POST", "/users/", user_block("B", role)).status_code == 504
    with client.brightspace.fault(CutConnection("POST .*/users/$", times=1)), pytest.raises(requests.RequestException):
        client.call("POST", "/users/", user_block("C", role))
    school = client.school()
    with client.brightspace.fault(CutConnection("/recycle$", times=1)), pytest.raises(requests.RequestException):
        client.call("POST", f"/orgstructure/recyclebin/{school}/recycle")
    assert client.refused("GET", f"/orgstructure/{school}") == 404
    assert len(client.get("/users/", orgDefinedId="B")) == len(client.get("/users/", orgDefinedId="C")) == 1


def test_missing_permissions_hide_rows_without_a_word(client: Client) -> None:
    user = client.user()
    assert client.get(f"/enrollments/users/{user}/orgUnits/")["Items"]
    with client.brightspace.fault(HiddenRows()):
        assert client.get(f"/enrollments/users/{user}/orgUnits/")["Items"] == []


def test_requests_are_recorded_without_what_was_in_them(client: Client) -> None:
    client.user("S1")
    recorded = client.brightspace.requests[-1]
    assert (recorded.method, recorded.path, recorded.status) == ("POST", "/users/", 200)
    assert "Lee" not in repr(recorded)

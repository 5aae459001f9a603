"""The token service: OAuth 2 with single-use refresh tokens, and client credentials with a signed assertion.

Source: D2L's API reference, OAuth 2.0; RFC 6749, RFC 7523.
"""

import secrets
import time
from dataclasses import dataclass, field
from urllib.parse import parse_qs

import jwt
from starlette.responses import Response

from roster_pipeline.sandbox.brightspace.answers import json_response

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512"]
#: Longest life of an assertion, in seconds.
_LONGEST_ASSERTION = 300


@dataclass
class Application:
    """An application that an administrator registered."""

    client_id: str
    scopes: frozenset[str]
    client_secret: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    refresh_token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    """The only one that is good; using it makes another."""
    public_keys: dict[str, str] = field(default_factory=dict[str, str])
    """Key id -> public key in PEM form, as the application's JWKS address would serve them."""


@dataclass(frozen=True)
class AccessToken:
    client_id: str
    scopes: frozenset[str]
    expires: float


class Authorization:
    """Issues and checks access tokens. `life` in seconds."""

    def __init__(self, token_url: str, life: float = 3600) -> None:
        self.token_url = token_url
        self.life = life
        self.applications: dict[str, Application] = {}
        self.grants = 0
        """Tokens issued so far."""
        self._tokens: dict[str, AccessToken] = {}
        self._assertions: set[str] = set()

    def register(self, application: Application) -> Application:
        self.applications[application.client_id] = application
        return application

    def check(self, header: str | None) -> AccessToken | None:
        """The token in an Authorization header, when it is good."""
        scheme, _, value = (header or "").partition(" ")
        token = self._tokens.get(value) if scheme.lower() == "bearer" else None
        return token if token and token.expires > time.monotonic() else None

    def revoke_all(self) -> None:
        """All access tokens end now, as after an administrator's intervention."""
        self._tokens.clear()

    def issue(self, body: bytes) -> Response:
        """Answer a request to the token endpoint."""
        form = {key: values[0] for key, values in parse_qs(body.decode("ascii", "replace")).items()}
        application = self.applications.get(form.get("client_id", ""))
        if application is None:
            return _refusal(401, "invalid_client")
        scopes = frozenset(form.get("scope", "").split())
        grant = form.get("grant_type")
        if grant == "refresh_token":
            refusal = self._check_refresh_token(application, form)
        elif grant == "client_credentials":
            refusal = self._check_assertion(application, form)
        else:
            refusal = "unsupported_grant_type"
        if not refusal and not (scopes and scopes <= application.scopes):
            refusal = "invalid_scope"
        if refusal:
            return _refusal(401 if refusal == "invalid_client" else 400, refusal)
        self.grants += 1
        token = secrets.token_urlsafe(32)
        self._tokens[token] = AccessToken(application.client_id, scopes, time.monotonic() + self.life)
        answer = {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": int(self.life),
            "scope": " ".join(scopes),
        }
        if grant == "refresh_token":
            application.refresh_token = secrets.token_urlsafe(24)
            answer["refresh_token"] = application.refresh_token
        return json_response(answer)

    def _check_refresh_token(self, application: Application, form: dict[str, str]) -> str | None:
        if not secrets.compare_digest(form.get("client_secret", ""), application.client_secret):
            return "invalid_client"
        if not secrets.compare_digest(form.get("refresh_token", ""), application.refresh_token):
            return "invalid_grant"
        return None

    def _check_assertion(self, application: Application, form: dict[str, str]) -> str | None:
        assertion = form.get("client_assertion", "")
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            return "invalid_client"
        try:
            key = application.public_keys[str(jwt.get_unverified_header(assertion).get("kid"))]
            claims = jwt.decode(
                assertion,
                key,
                algorithms=ALGORITHMS,
                audience=self.token_url,
                issuer=application.client_id,
                options={"require": ["exp", "iat", "iss", "sub", "aud", "jti"]},
            )
        except (jwt.PyJWTError, KeyError):
            return "invalid_client"
        if (
            claims["sub"] != application.client_id
            or claims["exp"] - claims["iat"] > _LONGEST_ASSERTION
            or claims["jti"] in self._assertions
        ):
            return "invalid_client"
        self._assertions.add(claims["jti"])
        return None


def _refusal(status: int, error: str) -> Response:
    return json_response({"error": error}, status)

"""Who may ask for what: OAuth 2 client credentials with scopes, or signatures of OAuth 1.0a.

Sources: OneRoster 1.1 REST binding, section on security; RFC 6749 (sections 2.3.1, 4.4, 5); RFC 6750 (section 3);
RFC 5849 (section 3), whose signatures oauthlib verifies.
"""

import base64
import binascii
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qs, unquote_plus

from oauthlib.oauth1 import RequestValidator, SignatureOnlyEndpoint
from starlette.requests import Request
from starlette.responses import Response

from roster_pipeline.sandbox.sis.answers import RefusedError, StatusInfo, forbidden, json_response
from roster_pipeline.sandbox.sis.operations import SCOPE_PREFIX, SCOPES

Scheme = Literal["oauth2", "HMAC-SHA1", "HMAC-SHA256"]


@dataclass
class Authentication:
    """The SIS's door. Its fields may be changed while it serves."""

    client_id: str
    client_secret: str = field(repr=False)
    scheme: Scheme = "oauth2"
    scopes: tuple[str, ...] = SCOPES
    """What the client may ask for, by short name."""
    token_seconds: float = 3600
    tells_expires_in: bool = True
    credentials_in: Literal["header or body", "body"] = "header or body"
    clock: Callable[[], float] = time.time
    """Seconds since 1970; tests put their own."""
    _tokens: dict[str, tuple[float, frozenset[str]]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self._signatures = SignatureOnlyEndpoint(_SignedRequests(self))

    def issue_token(self, headers: dict[str, str], body: bytes) -> Response:
        """Answer a request to the token endpoint."""
        form = {key: values[0] for key, values in parse_qs(body.decode("utf-8", "replace")).items()}
        if not headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return _token_error(400, "invalid_request", "the body must be application/x-www-form-urlencoded")
        basic = _basic_credentials(headers.get("authorization", ""))
        in_body = (form["client_id"], form.get("client_secret", "")) if "client_id" in form else None
        if basic and in_body:
            return _token_error(400, "invalid_request", "credentials came twice, in the header and in the body")
        given = in_body if self.credentials_in == "body" else basic or in_body
        if given is None or not self._is_client(*given):
            return _token_error(401, "invalid_client", "client id or client secret is wrong")
        if form.get("grant_type") != "client_credentials":
            return _token_error(400, "unsupported_grant_type", "only client_credentials is offered")
        asked = frozenset(form.get("scope", "").split()) or frozenset(SCOPE_PREFIX + name for name in self.scopes)
        if unknown := asked - {SCOPE_PREFIX + name for name in self.scopes}:
            return _token_error(400, "invalid_scope", f"not offered to this client: {' '.join(sorted(unknown))}")
        token = secrets.token_urlsafe(24)
        self._tokens[token] = (self.clock() + self.token_seconds, asked)
        answer: dict[str, Any] = {"access_token": token, "token_type": "bearer", "scope": " ".join(sorted(asked))}
        if self.tells_expires_in:
            answer["expires_in"] = int(self.token_seconds)
        return json_response(answer, headers={"Cache-Control": "no-store"})

    def revoke_tokens(self) -> None:
        """Make every token handed out so far worthless."""
        self._tokens.clear()

    def check(self, request: Request, scope: str) -> None:
        """Let the request pass or raise RefusedError: 401 without a good credential, 403 without the scope."""
        if self.scheme == "oauth2":
            self._check_token(request.headers.get("authorization", ""), SCOPE_PREFIX + scope)
        else:
            self._check_signature(request)

    def _check_token(self, authorization: str, scope: str) -> None:
        kind, _, token = authorization.partition(" ")
        expires, granted = self._tokens.get(token, (0.0, frozenset[str]()))
        if kind.lower() != "bearer" or expires <= self.clock():
            raise _unauthorized("the access token is missing, unknown or expired", 'Bearer error="invalid_token"')
        if scope not in granted:
            raise forbidden(
                f"the access token lacks the scope {scope}",
                {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{scope}"'},
            )

    def _check_signature(self, request: Request) -> None:
        path = request.scope["raw_path"].decode("ascii")
        query = request.scope["query_string"].decode("ascii")
        url = f"{request.url.scheme}://{request.headers['host']}{path}{'?' if query else ''}{query}"
        try:
            valid, _ = self._signatures.validate_request(url, request.method, None, dict(request.headers))
        except ValueError:
            # oauthlib meets a parameter that is not percent-encoded, or an Authorization header of another scheme.
            valid = False
        if not valid:
            raise _unauthorized("the OAuth 1.0a signature is missing or wrong", 'OAuth realm="OneRoster"')

    def _is_client(self, client_id: str, client_secret: str) -> bool:
        return secrets.compare_digest(
            f"{client_id}\n{client_secret}".encode(), f"{self.client_id}\n{self.client_secret}".encode()
        )


class _SignedRequests(RequestValidator):
    """What oauthlib asks a server about its clients."""

    enforce_ssl = False
    dummy_client = "nobody"

    def __init__(self, authentication: Authentication) -> None:
        super().__init__()
        self._authentication = authentication
        self._seen: set[tuple[str, str]] = set()

    @property
    def allowed_signature_methods(self) -> tuple[str, ...]:
        return (self._authentication.scheme,)

    def check_client_key(self, client_key: str) -> bool:
        return bool(client_key)

    def check_nonce(self, nonce: str) -> bool:
        return bool(nonce)

    def validate_client_key(self, client_key: str, request: Any) -> bool:  # noqa: ARG002 - oauthlib names it
        return secrets.compare_digest(client_key.encode(), self._authentication.client_id.encode())

    def validate_timestamp_and_nonce(
        self,
        client_key: str,
        timestamp: str,
        nonce: str,
        request: Any,  # noqa: ARG002 - oauthlib names it
        request_token: str | None = None,  # noqa: ARG002
        access_token: str | None = None,  # noqa: ARG002
    ) -> bool:
        """oauthlib has checked the timestamp's age; a nonce is good once for each timestamp."""
        if (timestamp, f"{client_key}\n{nonce}") in self._seen:
            return False
        self._seen.add((timestamp, f"{client_key}\n{nonce}"))
        return True

    def get_client_secret(self, client_key: str, request: Any) -> str:  # noqa: ARG002 - oauthlib names it
        return self._authentication.client_secret


def _basic_credentials(authorization: str) -> tuple[str, str] | None:
    kind, _, encoded = authorization.partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        client_id, _, client_secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ("", "")
    # RFC 6749, section 2.3.1: both are form-encoded before they are joined.
    return unquote_plus(client_id), unquote_plus(client_secret)


def _token_error(status: int, error: str, description: str) -> Response:
    headers = {"Cache-Control": "no-store"}
    if status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="OneRoster"'
    return json_response({"error": error, "error_description": description}, status, headers)


def _unauthorized(description: str, challenge: str) -> RefusedError:
    return RefusedError(StatusInfo(401, "unauthorized", description), {"WWW-Authenticate": challenge})

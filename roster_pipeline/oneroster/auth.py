"""Proving to the SIS who we are: OAuth 2 client credentials, or two-legged OAuth 1.0a."""

import threading
import time
from collections.abc import Sequence
from typing import Any, Protocol

import requests
from requests.auth import AuthBase, HTTPBasicAuth
from requests_oauthlib import OAuth1 as OAuth1Signature

from roster_pipeline.oneroster.errors import CredentialsError, RestError, TlsError, decode_json
from roster_pipeline.oneroster.retry import RETRYABLE_STATUSES, Pauses, RetryPolicy, retry_after
from roster_pipeline.settings.connection import OAuth1, OAuth2

#: OneRoster 1.1's scopes are this plus their short name.
SCOPE_PREFIX = "https://purl.imsglobal.org/spec/or/v1p1/scope/"

#: What a token without `expires_in` is taken to live, in seconds.
_ASSUMED_LIFE = 3600.0
#: A token is renewed this long before it ends, so that none ends on its way; a short-lived one at four fifths.
_EARLY = 60.0


class Authentication(Protocol):
    """Signs requests for one source system."""

    def for_request(self) -> AuthBase:
        """What `requests` shall sign the next request with."""
        ...

    def renew(self, refused: str | None) -> bool:
        """After a 401: get new credentials unless another thread already replaced `refused`, the Authorization header.

        False when there is nothing to renew. Raises RestError.
        """
        ...


class SignedRequests:
    """OAuth 1.0a without a token: each request carries its own signature (RFC 5849)."""

    def __init__(self, settings: OAuth1) -> None:
        self._settings = settings

    def for_request(self) -> AuthBase:
        # A signature object keeps the nonce of its last request: one per request, so that threads do not meet.
        return OAuth1Signature(
            self._settings.client_id,
            client_secret=self._settings.client_secret.get_secret_value(),
            signature_method=self._settings.signature_method,
        )

    def renew(self, refused: str | None) -> bool:  # noqa: ARG002 - nothing to renew, whatever was refused
        return False


class Bearer(AuthBase):
    """An access token in the Authorization header."""

    def __init__(self, token: str) -> None:
        self._header = f"Bearer {token}"

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._header
        return request


class _NoAuth(AuthBase):
    """Keeps `requests` from looking for credentials in a netrc file."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class ClientCredentials:
    """OAuth 2 client credentials (RFC 6749, section 4.4): one token for all threads, renewed before it ends."""

    def __init__(
        self,
        settings: OAuth2,
        *,
        timeout: float,
        policy: RetryPolicy,
        stop: threading.Event,
        scopes: Sequence[str] | None = None,
    ) -> None:
        """`scopes` replaces those of the settings; `timeout` in seconds; `stop` ends waiting early."""
        self._settings = settings
        self._timeout = timeout
        self._policy = policy
        self._stop = stop
        self._lock = threading.Lock()
        self._token: str | None = None
        self._ends = 0.0
        self._granted = ""
        self._scopes_to_try = _scope_ladder(settings.scopes if scopes is None else list(scopes))

    @property
    def scope(self) -> str:
        """The scope that the last token was asked for, blank-separated."""
        return self._scopes_to_try[0]

    @property
    def granted(self) -> set[str]:
        """Short names of OneRoster's scopes that the last token is good for; empty where the SIS tells of none.

        Some SIS have words of their own for them, which tell nothing.
        """
        short = (scope.removeprefix(SCOPE_PREFIX) for scope in self._granted.split())
        return {scope for scope in short if scope.startswith(("roster", "gradebook"))}

    def for_request(self) -> AuthBase:
        return Bearer(self.token())

    def token(self) -> str:
        """An access token that is good for a while. Raises RestError, CredentialsError, TlsError."""
        with self._lock:
            if self._token is None or time.monotonic() >= self._ends:
                self._fetch()
            assert self._token is not None  # noqa: S101 - _fetch sets it or raises
            return self._token

    def renew(self, refused: str | None) -> bool:
        with self._lock:
            if self._token is None or refused == f"Bearer {self._token}":
                self._fetch()
        return True

    def _fetch(self) -> None:
        started = time.monotonic()
        answer = self._ask()
        token = answer.get("access_token")
        if not isinstance(token, str) or not token:
            raise CredentialsError(
                f"{self._settings.token_url}: the answer holds no access_token. "
                "Check connection.auth.token_url with the SIS vendor."
            )
        life = _seconds(answer.get("expires_in"))
        self._token = token
        # A SIS may leave out what it granted as asked (RFC 6749, section 5.1).
        given = answer.get("scope")
        self._granted = given if isinstance(given, str) and given else self.scope
        self._ends = started + max(life - _EARLY, life * 0.8 if life < 5 * _EARLY else 0)

    def _ask(self) -> dict[str, Any]:
        """A token for the first scope that the SIS knows."""
        while True:
            response = self._post(self.scope)
            if 200 <= response.status_code < 300:
                return self._decoded(response)
            error = self._oauth_error(response)
            if error != "invalid_scope" or len(self._scopes_to_try) == 1:
                raise self._refused(response, error)
            self._scopes_to_try.pop(0)

    def _post(self, scope: str) -> requests.Response:
        settings = self._settings
        secret = settings.client_secret.get_secret_value()
        form = {"grant_type": "client_credentials"} | ({"scope": scope} if scope else {})
        auth: AuthBase
        if settings.credentials_in == "body":
            form |= {"client_id": settings.client_id, "client_secret": secret}
            auth = _NoAuth()
        else:
            auth = HTTPBasicAuth(settings.client_id.encode(), secret.encode())
        pauses = Pauses(self._policy, self._stop)
        while True:
            asked: float | None = None
            try:
                response = requests.post(
                    settings.token_url,
                    data=form,
                    auth=auth,
                    headers={"Accept": "application/json"},
                    timeout=self._timeout,
                    allow_redirects=False,
                )
            except requests.exceptions.SSLError as error:
                raise tls_error(settings.token_url, error) from None
            except (requests.exceptions.ConnectionError, requests.exceptions.Timeout) as error:
                trouble = unreachable(settings.token_url, error, "connection.auth.token_url")
            else:
                if response.status_code not in RETRYABLE_STATUSES:
                    return response
                asked = retry_after(response.headers)
                trouble = RestError(
                    f"{settings.token_url}: HTTP {response.status_code}, again and again. Try later, "
                    "or ask the SIS vendor.",
                    status=response.status_code,
                )
            if not pauses.wait(asked):
                raise trouble

    def _decoded(self, response: requests.Response) -> dict[str, Any]:
        try:
            answer = decode_json(response.content)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise CredentialsError(
                f"{self._settings.token_url}: the answer is no JSON; this is no token endpoint. "
                "Correct connection.auth.token_url.",
                status=response.status_code,
            )
        return answer

    def _oauth_error(self, response: requests.Response) -> str:
        """OAuth's error code. Free text around it is not passed on: servers repeat what they were sent."""
        try:
            answer = decode_json(response.content)
        except ValueError:
            return ""
        code = answer.get("error") if isinstance(answer, dict) else None
        return code if isinstance(code, str) and code.isidentifier() else ""

    def _refused(self, response: requests.Response, error: str) -> RestError:
        status = response.status_code
        said = f"HTTP {status}" + (f" ({error})" if error else "")
        url = self._settings.token_url
        if 300 <= status < 400:
            return CredentialsError(
                f"{url}: {said}, a redirect, to where credentials are not sent. "
                "Write the final address as connection.auth.token_url.",
                status=status,
            )
        if status == 404:
            return CredentialsError(
                f"{url}: {said}: there is no token endpoint. Correct connection.auth.token_url.", status=status
            )
        other = "body" if self._settings.credentials_in == "header" else "header"
        return CredentialsError(
            f"{url}: {said}: the SIS refuses client {self._settings.client_id!r}. "
            "Check connection.auth.client_id and client_secret; keys may have expired. "
            f"Some systems want connection.auth.credentials_in: {other}.",
            status=status,
        )


def _scope_ladder(scopes: list[str]) -> list[str]:
    """Scope parameters to try in turn, as services know different ones: all, without the last, without the last two,
    each alone, all of rostering, none. What is needed most stands first.
    """
    urls = [scope if "://" in scope else SCOPE_PREFIX + scope for scope in scopes]
    both = [SCOPE_PREFIX + name for name in ("roster-core.readonly", "roster.readonly")]
    wider = [" ".join(both)] if len(urls) == 1 and urls[0] in both else []
    ladder = [*(" ".join(urls[:number]) for number in range(len(urls), 0, -1)), *urls, *wider, ""]
    return list(dict.fromkeys(ladder))


def _seconds(value: Any) -> float:
    try:
        life = float(value)
    except (TypeError, ValueError):
        return _ASSUMED_LIFE
    return life if life > 0 else _ASSUMED_LIFE


def tls_error(url: str, error: Exception) -> TlsError:
    """What to say when a certificate cannot be trusted."""
    return TlsError(
        f"{url}: no trusted TLS connection ({_reason(error)}). Have the SIS's certificate renewed, "
        "or add its authority to the machine's certificates."
    )


def unreachable(url: str, error: Exception, key: str) -> RestError:
    """What to say when no whole answer comes."""
    timed_out = isinstance(error, requests.exceptions.Timeout)
    what = "no answer in time" if timed_out else f"no connection, or it broke ({_reason(error)})"
    return RestError(
        f"{url}: {what}. Check {key}, the network and its firewall, or try later.",
        timed_out=timed_out,
        retryable=True,
    )


def _reason(error: Exception) -> str:
    """The innermost cause: what the operating system or the TLS library said."""
    inner: BaseException = error
    while (cause := inner.__cause__ or inner.__context__) is not None:
        inner = cause
    text = str(inner) or type(inner).__name__
    return text[:160]

"""Proving to Brightspace who we are: OAuth 2 with single-use refresh tokens, or with a signed assertion.

Sources: D2L's API reference, OAuth 2.0; RFC 6749; RFC 7523.
"""

import hashlib
import threading
import time
import uuid
from pathlib import Path
from typing import Any, Protocol

import jwt
import orjson
import requests
from filelock import FileLock
from pydantic import SecretStr

from roster_pipeline.brightspace.errors import SignInError, UnavailableError, json_object
from roster_pipeline.home import private_folder, write_atomically
from roster_pipeline.settings.brightspace import Brightspace, ClientAssertion, RefreshToken

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
#: Life of an assertion in seconds, as D2L advises.
_ASSERTION_LIFE = 60
#: What a token without `expires_in` is taken to live, in seconds.
_ASSUMED_LIFE = 3600.0
#: A token is renewed this long before it ends, in seconds, so that none ends on its way; a short one at four fifths.
_EARLY = 60.0
_ATTEMPTS = 4
_FIRST_WAIT = 0.5


class TokenSource(Protocol):
    """Gives access tokens for one application."""

    def token(self) -> str:
        """An access token that is good for a while. Raises SignInError, UnavailableError."""
        ...

    def renew(self, refused: str) -> str:
        """Another token than the one that was refused. Raises SignInError, UnavailableError."""
        ...


def token_source(settings: Brightspace, token_file: Path) -> TokenSource:
    """The source that the settings ask for. `token_file` keeps the refresh token, where there is one."""
    if isinstance(settings.auth, RefreshToken):
        return RefreshTokenSource(settings.auth, token_file, settings.timeout_seconds)
    return AssertionSource(settings.auth, settings.timeout_seconds)


class _CachingSource:
    """One token for all threads, renewed before it ends."""

    def __init__(self, token_url: str, timeout: float) -> None:
        self._token_url = token_url
        self._timeout = timeout
        self._lock = threading.Lock()
        self._token = ""
        self._ends = 0.0

    def token(self) -> str:
        with self._lock:
            if time.monotonic() >= self._ends:
                self._fetch()
            return self._token

    def renew(self, refused: str) -> str:
        with self._lock:
            if self._token == refused or time.monotonic() >= self._ends:
                self._fetch()
            return self._token

    def _fetch(self) -> None:
        started = time.monotonic()
        answer = self._grant()
        token = answer.get("access_token")
        if not isinstance(token, str) or not token:
            raise SignInError(f"{self._token_url}: the answer holds no access_token. Check brightspace.auth.token_url.")
        life = _seconds(answer.get("expires_in"))
        self._token = token
        self._ends = started + max(life - _EARLY, life * 0.8 if life < 5 * _EARLY else 0)

    def _grant(self) -> dict[str, Any]:
        raise NotImplementedError

    def _post(self, form: dict[str, str]) -> dict[str, Any]:
        try:
            response = requests.post(
                self._token_url,
                data=form,
                headers={"Accept": "application/json"},
                timeout=self._timeout,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise UnavailableError(
                f"{self._token_url}: no answer ({type(error).__name__}). "
                "Check brightspace.auth.token_url and the network."
            ) from None
        if response.status_code == 429 or response.status_code >= 500:
            raise UnavailableError(f"{self._token_url}: HTTP {response.status_code}", status=response.status_code)
        answer = json_object(response.content)
        if answer is None:
            raise SignInError(
                f"{self._token_url}: HTTP {response.status_code} and no JSON; this is no token service. "
                "Correct brightspace.auth.token_url.",
                status=response.status_code,
            )
        if not response.ok:
            raise _refused(self._token_url, response.status_code, answer.get("error"))
        return answer


class RefreshTokenSource(_CachingSource):
    """OAuth 2 with refresh tokens, of which each is good once.

    The next refresh token is on disk, in a file that only its owner may read, before the access token that came with
    it is used; a lock file keeps processes from using one refresh token twice. The first refresh token is that of the
    settings. A new one there, after an administrator has signed in again, takes precedence over what the file holds.
    """

    def __init__(self, settings: RefreshToken, token_file: Path, timeout: float = 60) -> None:
        super().__init__(settings.token_url, timeout)
        self._settings = settings
        self._file = token_file
        private_folder(token_file.parent)
        self._file_lock = FileLock(token_file.with_name(f"{token_file.name}.lock"), mode=0o600)

    def _grant(self) -> dict[str, Any]:
        settings = self._settings
        with self._file_lock:
            form = {
                "grant_type": "refresh_token",
                "refresh_token": self._stored().get_secret_value(),
                "client_id": settings.client_id,
                "client_secret": settings.client_secret.get_secret_value(),
                "scope": " ".join(settings.scopes),
            }
            # Not repeated after a broken connection: the token may be used up, and the answer with the next one lost.
            answer = self._post(form)
            following = answer.get("refresh_token")
            if isinstance(following, str) and following:
                self._store(following)
        return answer

    def _stored(self) -> SecretStr:
        """The refresh token that is good now."""
        first = self._settings.refresh_token
        try:
            kept = orjson.loads(self._file.read_bytes())
        except FileNotFoundError:
            return first
        except orjson.JSONDecodeError:
            raise SignInError(
                f"{self._file}: cannot be read. Delete it, let an administrator sign in again and set the new refresh "
                "token as brightspace.auth.refresh_token."
            ) from None
        return SecretStr(kept["refresh_token"]) if kept["first"] == _fingerprint(first) else first

    def _store(self, token: str) -> None:
        content = {"first": _fingerprint(self._settings.refresh_token), "refresh_token": token}
        write_atomically(self._file, orjson.dumps(content))


class AssertionSource(_CachingSource):
    """OAuth 2 client credentials for a service user, with an assertion signed by our private key."""

    def __init__(self, settings: ClientAssertion, timeout: float = 60) -> None:
        super().__init__(settings.token_url, timeout)
        self._settings = settings

    def _grant(self) -> dict[str, Any]:
        for attempt in range(1, _ATTEMPTS + 1):
            form = {
                "grant_type": "client_credentials",
                "client_id": self._settings.client_id,
                "client_assertion_type": ASSERTION_TYPE,
                "client_assertion": self._assertion(),
                "scope": " ".join(self._settings.scopes),
            }
            try:
                return self._post(form)
            except UnavailableError:
                if attempt == _ATTEMPTS:
                    raise
                time.sleep(_FIRST_WAIT * 2 ** (attempt - 1))
        raise AssertionError("the last attempt returns or raises")

    def _assertion(self) -> str:
        now = int(time.time())
        client_id = self._settings.client_id
        claims: dict[str, Any] = {
            "iss": client_id,
            "sub": client_id,
            "aud": self._token_url,
            "iat": now,
            "exp": now + _ASSERTION_LIFE,
            "jti": str(uuid.uuid4()),
        }
        try:
            return jwt.encode(
                claims,
                self._settings.private_key.get_secret_value(),
                self._settings.algorithm,
                {"kid": self._settings.key_id},
            )
        except (jwt.PyJWTError, ValueError, TypeError):
            # The library's message may hold a part of the key.
            raise SignInError(
                "brightspace.auth.private_key: no private key in PEM form that fits brightspace.auth.algorithm "
                f"({self._settings.algorithm})."
            ) from None


def _refused(url: str, status: int, error: Any) -> SignInError:
    code = error if isinstance(error, str) and error.isidentifier() else ""
    remedies = {
        "invalid_grant": "The refresh token is used up or withdrawn: let an administrator sign in again and set the "
        "new one as brightspace.auth.refresh_token.",
        "invalid_scope": "Ask only for scopes with which the application was registered: brightspace.auth.scopes.",
        "invalid_client": "Check brightspace.auth.client_id and its secret or key.",
    }
    remedy = remedies.get(code, "Check brightspace.auth.")
    return SignInError(f"{url}: HTTP {status}{f' ({code})' if code else ''}. {remedy}", status=status)


def _fingerprint(secret: SecretStr) -> str:
    return hashlib.sha256(secret.get_secret_value().encode()).hexdigest()


def _seconds(value: Any) -> float:
    try:
        life = float(value)
    except (TypeError, ValueError):
        return _ASSUMED_LIFE
    return life if life > 0 else _ASSUMED_LIFE

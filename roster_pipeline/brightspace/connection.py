"""Calls to one tenant's API: token, rate, versions, and repeating where repeating is safe.

Repeated are reads, replacing writes (PUT), deletions, and those creations whose operation says that doing it twice is
doing it once. Any other creation whose outcome is not known raises OutcomeUnknownError: its caller reads back first.
"""

import os
import random
import threading
from http.cookiejar import DefaultCookiePolicy
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import urljoin, urlsplit

import orjson
import requests
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies
from urllib3.exceptions import NewConnectionError

from roster_pipeline.brightspace.auth import TokenSource
from roster_pipeline.brightspace.errors import (
    BrightspaceError,
    OutcomeUnknownError,
    UnavailableError,
    refusal,
    without_query,
)
from roster_pipeline.brightspace.rate import RateBudget, retry_after
from roster_pipeline.settings.brightspace import Brightspace

Component = Literal["lp", "le"]
Method = Literal["GET", "POST", "PUT", "DELETE"]

#: Answers of gateways and servers that say nothing about whether a write was done.
_UNCLEAR = frozenset({408, 500, 502, 503, 504})
_ATTEMPTS = 6
_FIRST_WAIT = 0.5
_LONGEST_WAIT = 30.0
#: Waiting for a turn after refusals ends here, in seconds: the bucket is filled again every minute.
_LONGEST_RETRY_AFTER = 120.0


class ApiConnection:
    """A tenant's API, for any number of threads. Used as a context manager, or closed in the end."""

    def __init__(self, settings: Brightspace, tokens: TokenSource, stop: threading.Event | None = None) -> None:
        self._settings = settings
        self._tokens = tokens
        self._stop = stop or threading.Event()
        self.budget = RateBudget(settings.calls_per_minute, self._stop)
        self._versions: dict[Component, str] = {}
        self._versions_lock = threading.Lock()
        self._session = requests.Session()
        # Looking for proxies, certificates and passwords in the environment takes as long as the rest of a call, and
        # our token is the only thing that proves who we are: once is enough for the former, never for the latter.
        self._session.trust_env = False
        self._session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
        self._proxies = get_environ_proxies(settings.url)
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.mount(settings.url, HTTPAdapter(pool_maxsize=settings.concurrency, pool_block=True))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._session.close()

    @property
    def url(self) -> str:
        return self._settings.url

    @property
    def concurrency(self) -> int:
        """Calls that may be under way at once."""
        return self._settings.concurrency

    def version(self, component: Component) -> str:
        """The newest contract that the tenant speaks, not older than that of the settings. Raises BrightspaceError.

        A contract that is gone answers 404, which looks like an object that is not there.
        """
        with self._versions_lock:
            if component not in self._versions:
                answer = self._decoded(self._send("GET", f"{self.url}/d2l/api/{component}/versions/", repeatable=True))
                oldest = self._settings.lp_version if component == "lp" else self._settings.le_version
                supported = [each for each in answer["SupportedVersions"] if _ordered(each) >= _ordered(oldest)]
                if not supported:
                    raise BrightspaceError(
                        f"{self.url} speaks {component} {answer['LatestVersion']} at most, and brightspace."
                        f"{component}_version asks for {oldest}. Lower it when the tenant's release is older."
                    )
                self._versions[component] = max(supported, key=_ordered)
            return self._versions[component]

    def get(self, component: Component, path: str, **query: str | int | None) -> Any:
        """Read JSON. `path` comes after the version, with its slashes: `/users/`. Raises BrightspaceError."""
        return self._decoded(self._call("GET", component, path, repeatable=True, query=query))

    def get_url(self, url: str) -> Any:
        """Read JSON from an address that the tenant gave. Raises BrightspaceError where it is another host's."""
        return self._decoded(self._send("GET", self.own_address(url), repeatable=True))

    def post(self, component: Component, path: str, body: Any = None, *, repeatable: bool = False) -> Any:
        """Create. `repeatable`: doing it twice is doing it once. Raises BrightspaceError, OutcomeUnknownError."""
        return self._decoded(self._call("POST", component, path, body=body, repeatable=repeatable))

    def put(self, component: Component, path: str, body: Any) -> Any:
        """Replace. Raises BrightspaceError."""
        return self._decoded(self._call("PUT", component, path, body=body, repeatable=True))

    def delete(self, component: Component, path: str, body: Any = None) -> None:
        """Take away. Raises BrightspaceError, NotFoundError also where an earlier try had done it already."""
        self._call("DELETE", component, path, body=body, repeatable=True)

    def stream(self, url: str) -> requests.Response:
        """Open a download. Another host, a storage service's, gets no token. Raises BrightspaceError."""
        address = urljoin(f"{self.url}/", url)
        response = self._send("GET", address, repeatable=True, stream=True, token=self._is_own(address))
        if response.is_redirect:
            response.close()
            target = urljoin(address, response.headers["Location"])
            response = self._send("GET", target, repeatable=True, stream=True, token=self._is_own(target))
        if response.is_redirect:
            response.close()
            raise refusal(response)
        return response

    def own_address(self, url: str) -> str:
        """The whole address of a link in an answer. Raises BrightspaceError where it leads to another host."""
        address = urljoin(f"{self.url}/", url)
        if not self._is_own(address):
            raise BrightspaceError(f"{self.url} answered with a link to another host, {urlsplit(address).netloc}")
        return address

    def _is_own(self, address: str) -> bool:
        return urlsplit(address)[:2] == urlsplit(self.url)[:2]

    def _call(
        self,
        method: Method,
        component: Component,
        path: str,
        *,
        repeatable: bool,
        body: Any = None,
        query: dict[str, str | int | None] | None = None,
    ) -> requests.Response:
        url = f"{self.url}/d2l/api/{component}/{self.version(component)}{path}"
        return self._send(method, url, body=body, query=query, repeatable=repeatable)

    def _send(
        self,
        method: Method,
        url: str,
        *,
        repeatable: bool,
        body: Any = None,
        query: dict[str, str | int | None] | None = None,
        stream: bool = False,
        token: bool = True,
    ) -> requests.Response:
        attempt = 0
        renewed = False
        while True:
            attempt += 1
            self.budget.acquire()
            access_token = self._tokens.token() if token else None
            try:
                response = self._session.request(
                    method,
                    url,
                    params=query,
                    data=None if body is None else orjson.dumps(body),
                    headers={
                        "Accept": "*/*" if stream else "application/json",
                        "Content-Type": "application/json",
                        **({"Authorization": f"Bearer {access_token}"} if access_token else {}),
                    },
                    proxies=self._proxies if self._is_own(url) else get_environ_proxies(url),
                    timeout=self._settings.timeout_seconds,
                    allow_redirects=False,
                    stream=stream,
                )
            except requests.RequestException as error:
                if not (repeatable or _never_sent(error)):
                    raise OutcomeUnknownError(f"{method} {without_query(url)}: no answer ({_reason(error)})") from None
                if attempt == _ATTEMPTS or not self._pause(attempt):
                    raise UnavailableError(
                        f"{method} {without_query(url)}: no answer ({_reason(error)}). "
                        "Check brightspace.url and the network, or try later."
                    ) from None
                continue
            self.budget.learn(response.headers)
            status = response.status_code
            if 200 <= status < 300 or (stream and response.is_redirect):
                return response
            if status == 401 and access_token and not renewed:
                renewed = True
                self._tokens.renew(access_token)
            elif status == 429 and attempt < _ATTEMPTS:
                # Refused before anything happened, so even a creation is sent again.
                self.budget.hold(min(retry_after(response.headers) or _FIRST_WAIT, _LONGEST_RETRY_AFTER))
            elif status in _UNCLEAR and not repeatable:
                raise OutcomeUnknownError(str(refusal(response, [body, query])), status=status)
            elif status in _UNCLEAR and attempt < _ATTEMPTS and self._pause(attempt, retry_after(response.headers)):
                pass
            else:
                raise refusal(response, [body, query])
            response.close()

    def _pause(self, attempt: int, asked: float | None = None) -> bool:
        """Wait before the next try; False when there is to be none because everything stops."""
        longest = min(_FIRST_WAIT * 2 ** (attempt - 1), _LONGEST_WAIT)
        seconds = longest * random.uniform(0.5, 1)  # noqa: S311 - spreads load, guards nothing
        return not self._stop.wait(min(asked, _LONGEST_RETRY_AFTER) if asked is not None else seconds)

    def _decoded(self, response: requests.Response) -> Any:
        if not response.content:
            return None
        try:
            return orjson.loads(response.content)
        except orjson.JSONDecodeError:
            raise BrightspaceError(
                f"{response.request.method} {without_query(response.url)}: HTTP {response.status_code}, but no JSON. "
                "Check brightspace.url.",
                status=response.status_code,
            ) from None


def _never_sent(error: requests.RequestException) -> bool:
    """Whether the request cannot have reached the tenant."""
    if isinstance(error, requests.ConnectTimeout):
        return True
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, NewConnectionError):
            return True
        reason = getattr(inner.args[0], "reason", None) if inner.args else None
        inner = reason if isinstance(reason, BaseException) else inner.__cause__ or inner.__context__
    return False


def _reason(error: requests.RequestException) -> str:
    if isinstance(error, requests.Timeout):
        return "timed out"
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate cannot be trusted"
    return "connection broken"


def _ordered(version: str) -> tuple[int, ...]:
    """Versions are numbers with points between: 1.9 comes before 1.49."""
    return tuple(int(part) for part in version.split("."))

"""Requests to a OneRoster REST service: signed, repeated where that helps, and never sent to another host."""

import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import quote, urlencode, urljoin, urlsplit

import requests

from roster_pipeline.oneroster.auth import (
    Authentication,
    ClientCredentials,
    SignedRequests,
    tls_error,
    unreachable,
)
from roster_pipeline.oneroster.errors import CredentialsError, RestError, StatusInfo, decode_json, status_info
from roster_pipeline.oneroster.retry import RETRYABLE_STATUSES, Pauses, RetryPolicy, retry_after
from roster_pipeline.settings.connection import OAuth1, Rest

Method = Literal["GET", "PUT", "DELETE"]

_MAX_REDIRECTS = 3
#: OAuth 1.0a servers refuse a time stamp that is further off than this.
_TOLERATED_SKEW_SECONDS = 300


@dataclass(frozen=True)
class Answer:
    """A successful answer."""

    status: int
    headers: Mapping[str, str]
    body: Any
    """The decoded JSON; None when a write was answered with nothing or with something else."""
    info: StatusInfo | None
    seconds: float


class RestClient:
    """A OneRoster 1.1 REST service, for any number of threads.

    No more requests are under way at once than the settings' `concurrency`, each over a connection that is kept
    alive; what threads ask for beyond that waits for its turn.
    """

    def __init__(
        self,
        settings: Rest,
        *,
        policy: RetryPolicy | None = None,
        scopes: Sequence[str] | None = None,
    ) -> None:
        """`scopes` replaces the scopes of the settings: a gradebook writer needs others than a roster reader."""
        self.base_url = settings.endpoint_url.rstrip("/")
        self._settings = settings
        self._policy = policy or RetryPolicy()
        self._stop = threading.Event()
        self._sessions = [requests.Session() for _ in range(settings.concurrency)]
        # The one used last comes first, so that few connections stay busy rather than many half idle.
        self._free_sessions: queue.LifoQueue[requests.Session] = queue.LifoQueue()
        for session in self._sessions:
            self._free_sessions.put(session)
        self._hold_until = 0.0
        self.authentication: Authentication
        if isinstance(settings.auth, OAuth1):
            self.authentication = SignedRequests(settings.auth)
        else:
            self.authentication = ClientCredentials(
                settings.auth,
                timeout=settings.timeout_seconds,
                policy=self._policy,
                stop=self._stop,
                scopes=scopes,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def sends_at_once(self) -> bool:
        """Whether a request would go out now: nobody stopped the client, and no server asked for a pause."""
        return not self._stop.is_set() and time.monotonic() >= self._hold_until

    def stop(self) -> None:
        """End every wait now; requests under way come to their end, but none is repeated and no other is sent."""
        self._stop.set()

    def close(self) -> None:
        """Stop, and close every connection."""
        self.stop()
        for session in self._sessions:
            session.close()

    def url(self, path: str, params: Mapping[str, str | int] | None = None) -> str:
        """The address of `path` below the endpoint, percent-encoded to the letter that is signed and sent."""
        query = urlencode(params, quote_via=quote, safe="") if params else ""
        return f"{self.base_url}/{path}" + (f"?{query}" if query else "")

    def get(
        self,
        path: str,
        params: Mapping[str, str | int] | None = None,
        *,
        decode: Callable[[bytes], Any] = decode_json,
        not_repeated: frozenset[int] = frozenset(),
        repeat_timeouts: bool = True,
    ) -> Answer:
        """Read `path`. Statuses in `not_repeated` fail at once although another try might help. Raises RestError.

        `decode` makes the answer's body of its bytes, and raises ValueError when these are no whole JSON.
        """
        return self.request(
            "GET", path, params, decode=decode, not_repeated=not_repeated, repeat_timeouts=repeat_timeouts
        )

    def request(
        self,
        method: Method,
        path: str,
        params: Mapping[str, str | int] | None = None,
        body: bytes | None = None,
        *,
        attempts: int | None = None,
        decode: Callable[[bytes], Any] = decode_json,
        not_repeated: frozenset[int] = frozenset(),
        repeat_timeouts: bool = True,
    ) -> Answer:
        """Send one request, again where that may help, and answer with its success.

        `path` is below the endpoint, with ids in it encoded by `segment`; `body` is JSON. Raises RestError, whose
        `status` is None when no answer came: a write's outcome is unknown then, and repeating it is safe because
        its id stays the same.
        """
        url = self.url(path, params)
        policy = self._policy if attempts is None else replace(self._policy, attempts=attempts)
        pauses = Pauses(policy, self._stop)
        renewed = False
        while True:
            if self._stop.is_set():
                raise RestError(f"{_place(url)}: is not asked for any more, because the extract was stopped.")
            refused: str | None = None
            try:
                response, refused, seconds = self._send(method, url, body)
                if response.status_code == 401 and not renewed and self.authentication.renew(refused):
                    renewed = True
                    continue
                return self._judged(method, url, response, seconds, decode)
            except requests.exceptions.SSLError as error:
                raise tls_error(url, error) from None
            except requests.exceptions.RequestException as error:
                trouble = unreachable(url, error, "connection.endpoint_url")
            except RestError as error:
                trouble = error
            repeat = trouble.retryable and trouble.status not in not_repeated
            repeat = repeat and (repeat_timeouts or not trouble.timed_out)
            if trouble.status == 429 and trouble.retry_after:
                self._hold(min(trouble.retry_after, policy.longest_retry_after))
            if not repeat or not pauses.wait(trouble.retry_after):
                raise trouble

    def _send(self, method: Method, url: str, body: bytes | None) -> tuple[requests.Response, str | None, float]:
        self._stop.wait(max(0.0, self._hold_until - time.monotonic()))
        headers = {"Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        session = self._free_sessions.get()
        try:
            started = time.monotonic()
            response = self._send_to(session, url, method, body, headers)
            for _ in range(_MAX_REDIRECTS if method == "GET" else 0):
                if not response.is_redirect:
                    break
                response = self._send_to(session, _onward(response), method, body, headers)
        finally:
            self._free_sessions.put(session)
        used = response.request.headers.get("Authorization")
        return response, used if isinstance(used, str) else None, time.monotonic() - started

    def _send_to(
        self, session: requests.Session, url: str, method: Method, body: bytes | None, headers: dict[str, str]
    ) -> requests.Response:
        return session.request(
            method,
            url,
            data=body,
            headers=headers,
            auth=self.authentication.for_request(),
            timeout=self._settings.timeout_seconds,
            allow_redirects=False,
        )

    def _judged(
        self,
        method: Method,
        url: str,
        response: requests.Response,
        seconds: float,
        decode: Callable[[bytes], Any] = decode_json,
    ) -> Answer:
        status = response.status_code
        try:
            body = (decode if 200 <= status < 300 else decode_json)(response.content)
            readable = True
        except ValueError:
            body, readable = None, False
        info = status_info(body)
        if 200 <= status < 300:
            if info is not None and info.is_failure:
                raise RestError(
                    f"{_place(url)}: HTTP {status} that reports a failure ({info}).", status=status, info=info
                )
            if not readable and method == "GET":
                raise RestError(
                    f"{_place(url)}: the answer is no whole JSON ({_kind_of(response)}). "
                    "A login page or a proxy may stand before the service; check connection.endpoint_url.",
                    status=status,
                    retryable=True,
                )
            return Answer(status, response.headers, body, info, seconds)
        raise self._failure(method, url, response, info)

    def _failure(self, method: Method, url: str, response: requests.Response, info: StatusInfo | None) -> RestError:
        status = response.status_code
        # What a service says of a write may name the pupil; `info` of the error has it all the same.
        words = str(info or "") if method == "GET" else info.code_minor if info else ""
        said = f"HTTP {status}" + (f" ({words})" if words else "")
        if status == 401:
            return CredentialsError(
                f"{_place(url)}: {said}: the service refuses our credentials. {self._remedy_for_401(response)}",
                status=status,
                info=info,
            )
        return RestError(
            f"{_place(url)}: {said}. {_REMEDIES.get(status, _OTHER_REMEDY)}",
            status=status,
            info=info,
            retryable=status in RETRYABLE_STATUSES,
            retry_after=retry_after(response.headers),
        )

    def _remedy_for_401(self, response: requests.Response) -> str:
        if isinstance(self._settings.auth, OAuth1):
            skew = clock_skew(response.headers)
            if skew is not None and abs(skew) > _TOLERATED_SKEW_SECONDS:
                return f"This machine's clock is {skew:+.0f} s off the server's; set it right."
            other = "HMAC-SHA1" if self._settings.auth.signature_method == "HMAC-SHA256" else "HMAC-SHA256"
            return (
                "Check connection.auth.client_id and client_secret, "
                f"and whether the SIS wants signature_method: {other} or kind: oauth2."
            )
        return (
            "It issued a token and does not accept it: check that the SIS's licence covers OneRoster, that "
            "connection.auth.scopes are granted, and that endpoint_url and token_url belong together."
        )

    def _hold(self, seconds: float) -> None:
        """Let every thread wait: the server is too busy for any of them."""
        self._hold_until = max(self._hold_until, time.monotonic() + seconds)


def segment(sourced_id: str) -> str:
    """An id as a segment of a path: everything but unreserved characters is percent-encoded, `/` too."""
    return quote(sourced_id, safe="")


def clock_skew(headers: Mapping[str, str]) -> float | None:
    """Seconds by which this machine's clock is ahead of the server's, by its Date header; None when it has none."""
    try:
        return time.time() - parsedate_to_datetime(headers["Date"]).timestamp()
    except (KeyError, ValueError):
        return None


_OTHER_REMEDY = "Ask the SIS vendor what the service objects to."
_REMEDIES = {
    400: "The service finds the request wrong; ask the SIS vendor whether it speaks OneRoster 1.1.",
    403: "The credentials lack access: have the SIS share the schools and data sets, and grant connection.auth.scopes.",
    404: (
        "There is nothing at this address: check connection.endpoint_url up to /v1p1; if it is right, "
        "the SIS's OneRoster licence or module is probably missing or switched off."
    ),
    429: "The service is too busy for so many requests; lower connection.concurrency or choose another hour.",
    500: "The service failed, again and again; try later, or ask the SIS vendor.",
    502: "The service did not answer its gateway; lower connection.page_size or try later.",
    503: "The service is not available, again and again; try later, or ask the SIS vendor.",
    504: "The service took too long for its gateway; lower connection.page_size or try later.",
}


def _onward(response: requests.Response) -> str:
    """Where a redirect leads, when our credentials may be sent there."""
    onward = urljoin(response.url, response.headers["Location"])
    if _origin(onward) != _origin(response.url):
        raise RestError(
            f"{_place(response.url)}: is redirected to {_origin(onward)[1]}, another host, where credentials are not "
            "sent. Write the service's final address as connection.endpoint_url.",
            status=response.status_code,
        )
    return onward


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()


def _place(url: str) -> str:
    return url.split("?", 1)[0]


def _kind_of(response: requests.Response) -> str:
    return response.headers.get("Content-Type", "no content type").split(";")[0]

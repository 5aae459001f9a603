"""Writes to a OneRoster 1.1 gradebook: line items and results under ids that we chose, and what is there already.

Source: OneRoster 1.1 REST binding, table 3.1c (gradebook calls) and section 3.4.1 (paging).
"""

import http.client
import queue
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import orjson
import requests
from requests.utils import DEFAULT_CA_BUNDLE_PATH, select_proxy

from roster_pipeline.oneroster.auth import ClientCredentials
from roster_pipeline.oneroster.errors import CredentialsError, RestError, TlsError, status_info
from roster_pipeline.oneroster.rest_client import Method, RestClient, segment
from roster_pipeline.oneroster.retry import RETRYABLE_STATUSES
from roster_pipeline.settings.connection import Rest

Collection = Literal["lineItems", "results"]
WriteState = Literal["done", "refused", "unknown"]

READ_SCOPE, PUT_SCOPE, DELETE_SCOPE = "gradebook.readonly", "gradebook.createput", "gradebook.delete"
#: Tries of one write inside a run; its id stays the same, so that repeating it is safe.
WRITE_ATTEMPTS = 3
#: Statuses by which a service says that it does not offer a call.
NOT_OFFERED = frozenset({404, 405, 501})


@dataclass(frozen=True)
class Write:
    """What became of a write."""

    state: WriteState
    error: str | None = None
    is_fatal: bool = False
    """Whether no other write can do better: the service does not let us in."""


DONE = Write("done")


def gradebook_scopes(*, deletes: bool) -> list[str]:
    """Short names of the scopes to ask for, the one that is needed most first."""
    return [PUT_SCOPE, READ_SCOPE, *([DELETE_SCOPE] if deletes else [])]


class GradebookClient:
    """The gradebook of one SIS. Any number of threads may use it; each keeps its own connection alive."""

    def __init__(self, settings: Rest, *, deletes: bool = True) -> None:
        self._settings = settings
        self.rest = _WritingClient(settings, scopes=gradebook_scopes(deletes=deletes))

    def __enter__(self) -> "GradebookClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.rest.close()

    def put(self, collection: Collection, sourced_id: str, body: bytes) -> Write:
        """Create or replace an object by the id in its body."""
        return self._write("PUT", collection, sourced_id, body)

    def delete(self, collection: Collection, sourced_id: str) -> Write:
        """Delete an object; one that is not there counts as deleted."""
        return self._write("DELETE", collection, sourced_id, None)

    def get(self, collection: Collection, sourced_id: str) -> dict[str, Any] | None:
        """One object as the SIS has it; None where it has none. Raises RestError."""
        try:
            answer = self.rest.get(f"{collection}/{segment(sourced_id)}")
        except RestError as error:
            if error.status == 404:
                return None
            raise
        return _single(answer.body)

    def district_categories(self) -> list[dict[str, Any]]:
        """The categories of the whole district. Raises RestError."""
        return list(self._rows("categories", "categories"))

    def class_categories(self, class_id: str) -> list[dict[str, Any]] | None:
        """The categories of a class; None where the SIS lists none by class. Raises RestError."""
        try:
            return list(self._rows(f"classes/{segment(class_id)}/categories", "categories"))
        except RestError as error:
            if error.status in NOT_OFFERED:
                return None
            raise

    def line_items_of_class(self, class_id: str) -> Iterator[dict[str, Any]]:
        """Every line item of a class. Raises RestError."""
        return self._rows(f"classes/{segment(class_id)}/lineItems", "lineItems")

    def results_of_class(self, class_id: str) -> Iterator[dict[str, Any]]:
        """Every result of a class. Raises RestError."""
        return self._rows(f"classes/{segment(class_id)}/results", "results")

    def _write(
        self, method: Literal["PUT", "DELETE"], collection: Collection, sourced_id: str, body: bytes | None
    ) -> Write:
        path = f"{collection}/{segment(sourced_id)}"
        try:
            once = self.rest.send_once(method, path, body)
            tries = WRITE_ATTEMPTS - (once is not None)
            if once is not None and (once.state != "unknown" or tries < 1):
                return once
            self.rest.request(method, path, body=body, attempts=tries)
        except (CredentialsError, TlsError) as error:
            return Write("unknown", str(error), is_fatal=True)
        except RestError as error:
            if error.status is None or error.retryable:
                return Write("unknown", str(error))
            return _refused(method, error)
        return DONE

    def _rows(self, path: str, key: str) -> Iterator[dict[str, Any]]:
        """The rows of a collection, page by page: on from the rows that came, until nothing new comes."""
        seen: set[str] = set()
        offset = 0
        while True:
            answer = self.rest.get(path, {"limit": self._settings.page_size, "offset": offset})
            rows = _list(answer.body, key)
            fresh = [row for row in rows if row.get("sourcedId") not in seen]
            if not fresh:
                return
            seen.update(str(row.get("sourcedId")) for row in fresh)
            yield from fresh
            offset += len(rows)


class _WritingClient(RestClient):
    """Has a quick way for writes beside the careful one.

    A `requests` session settles proxies, certificates, cookies and headers anew for each request, which costs more
    than the SIS takes for a write. The quick way is one try on a connection of the thread's own, kept alive; whatever
    it cannot finish goes the careful way, under the same id.
    """

    def __init__(self, settings: Rest, *, scopes: list[str]) -> None:
        super().__init__(settings, scopes=scopes)
        self._timeout = settings.timeout_seconds
        self._base_path = urlsplit(self.base_url).path
        self._own = threading.local()
        self._opened: queue.SimpleQueue[http.client.HTTPConnection] = queue.SimpleQueue()
        with requests.Session() as session:
            # What the environment says of proxies and of certificates to trust, as `requests` reads it.
            settled = session.merge_environment_settings(self.base_url, {}, None, None, None)
        self._verify = settled["verify"]
        self._is_direct = select_proxy(self.base_url, settled["proxies"]) is None

    def close(self) -> None:
        """Stop, and close every connection."""
        super().close()
        while not self._opened.empty():
            self._opened.get().close()

    def send_once(self, method: Method, path: str, body: bytes | None) -> Write | None:
        """One try; `unknown` where its outcome is, None where the quick way is not to be taken now."""
        if not self.sends_at_once or not self._is_direct or not isinstance(self.authentication, ClientCredentials):
            return None
        headers = {"Accept": "application/json", "Authorization": f"Bearer {self.authentication.token()}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        connection = self._connection()
        try:
            connection.request(method, f"{self._base_path}/{path}", body, headers)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            return Write("unknown", f"{self.url(path)}: no answer ({type(error).__name__})")
        if 200 <= answer.status < 300 and b"failure" not in content.lower():
            return DONE
        if answer.status == 401 or answer.status in RETRYABLE_STATUSES:
            return Write("unknown", f"{self.url(path)}: HTTP {answer.status}")
        return _judged(method, self.url(path), answer.status, content)

    def _connection(self) -> http.client.HTTPConnection:
        connection: http.client.HTTPConnection | None = getattr(self._own, "connection", None)
        if connection is None:
            parts = urlsplit(self.base_url)
            if parts.scheme == "https":
                trusted = Path(self._verify if isinstance(self._verify, str) else DEFAULT_CA_BUNDLE_PATH)
                context = ssl.create_default_context(
                    cafile=None if trusted.is_dir() else trusted, capath=trusted if trusted.is_dir() else None
                )
                connection = http.client.HTTPSConnection(parts.netloc, timeout=self._timeout, context=context)
            else:
                connection = http.client.HTTPConnection(parts.netloc, timeout=self._timeout)
            self._own.connection = connection
            self._opened.put(connection)
        return connection


def _judged(method: Method, url: str, status: int, content: bytes) -> Write:
    """What an answer means that no other try would change."""
    try:
        info = status_info(orjson.loads(content) if content.strip() else None)
    except ValueError:
        info = None
    if 200 <= status < 300 and not (info and info.is_failure):
        return DONE
    said = f"HTTP {status}" + (f" ({info})" if info is not None and str(info) else "")
    return _refused(method, RestError(f"{url}: {said}. {_REMEDIES.get(status, _OTHER_REMEDY)}", status=status))


def _refused(method: Method, error: RestError) -> Write:
    # What is not there need not be deleted.
    return DONE if method == "DELETE" and error.status in {404, 410} else Write("refused", str(error))


_OTHER_REMEDY = "Ask the SIS vendor what the service objects to."
_REMEDIES = {
    403: f"Have the SIS grant the scopes {READ_SCOPE}, {PUT_SCOPE} and {DELETE_SCOPE}, and share the class.",
    404: "There is no gradebook at this address; the SIS's OneRoster licence may not cover writing grades.",
    422: "The SIS refuses it as it is: look whether the grading period is open and the pupil is in the class.",
}


def _single(body: Any) -> dict[str, Any] | None:
    if not isinstance(body, dict):
        return None
    if "sourcedId" in body:
        return body
    return next((value for value in body.values() if isinstance(value, dict) and "sourcedId" in value), None)


def _list(body: Any, key: str) -> list[dict[str, Any]]:
    rows = body.get(key) if isinstance(body, dict) else body
    if rows is None and isinstance(body, dict):
        rows = next((value for value in body.values() if isinstance(value, list)), [])
    return [row for row in rows or [] if isinstance(row, dict)]

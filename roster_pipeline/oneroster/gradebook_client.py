"""Writes to a OneRoster 1.1 gradebook: line items and results under ids that we chose, and what is there already.

Source: OneRoster 1.1 REST binding, table 3.1c (gradebook calls) and section 3.4.1 (paging).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.utils import select_proxy

from roster_pipeline.oneroster.auth import ClientCredentials
from roster_pipeline.oneroster.errors import CredentialsError, RestError, TlsError
from roster_pipeline.oneroster.rest_client import Method, RestClient, segment
from roster_pipeline.settings.connection import Rest

Collection = Literal["lineItems", "results"]
WriteState = Literal["done", "refused", "unknown"]

READ_SCOPE, PUT_SCOPE, DELETE_SCOPE = "gradebook.readonly", "gradebook.createput", "gradebook.delete"
#: Tries of one write inside a run; its id stays the same, so that repeating it is safe.
WRITE_ATTEMPTS = 3
#: Statuses by which a service says that it does not offer a call.
_NOT_OFFERED = frozenset({404, 405, 501})


@dataclass(frozen=True)
class Write:
    """What became of a write."""

    state: WriteState
    error: str | None = None
    is_fatal: bool = False
    """Whether no other write can do better: the service does not let us in."""


DONE = Write("done")


class GradebookClient:
    """The gradebook of one SIS. Any number of threads may use it; each keeps its own connection alive."""

    def __init__(self, settings: Rest, *, deletes: bool = True) -> None:
        self._settings = settings
        scopes = [READ_SCOPE, PUT_SCOPE, *([DELETE_SCOPE] if deletes else [])]
        self.rest = _WritingClient(settings, scopes=scopes)

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
            if error.status in _NOT_OFFERED:
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
        try:
            self.rest.request(method, f"{collection}/{segment(sourced_id)}", body=body, attempts=WRITE_ATTEMPTS)
        except (CredentialsError, TlsError) as error:
            return Write("unknown", str(error), is_fatal=True)
        except RestError as error:
            if method == "DELETE" and error.status in {404, 410}:
                return DONE
            if error.status is None or error.retryable:
                return Write("unknown", str(error))
            return Write("refused", str(error))
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
    """Sends writes without what a `requests` session does anew for each request.

    Settling proxies, certificates, cookies and headers costs a session more than the SIS takes for a write. They are
    the same for all writes, so that they are settled once for each connection; urllib3's pool does the rest.
    """

    def __init__(self, settings: Rest, *, scopes: list[str]) -> None:
        super().__init__(settings, scopes=scopes)
        self._timeout = settings.timeout_seconds
        self._pools: dict[requests.Session, urllib3.HTTPConnectionPool | None] = {}

    def _send_to(
        self, session: requests.Session, url: str, method: Method, body: bytes | None, headers: dict[str, str]
    ) -> requests.Response:
        pool = self._pool(session) if method != "GET" else None
        if pool is None or not isinstance(self.authentication, ClientCredentials):
            return super()._send_to(session, url, method, body, headers)
        headers["Authorization"] = f"Bearer {self.authentication.token()}"
        try:
            raw = pool.urlopen(
                method, urlsplit(url).path, body, headers, retries=False, redirect=False, timeout=self._timeout
            )
        except urllib3.exceptions.SSLError as error:
            raise requests.exceptions.SSLError(error) from error
        except urllib3.exceptions.TimeoutError as error:
            raise requests.exceptions.Timeout(error) from error
        except urllib3.exceptions.HTTPError as error:
            raise requests.exceptions.ConnectionError(error) from error
        response = requests.Response()
        response.status_code = raw.status
        response.headers.update(raw.headers)
        response._content = raw.data
        response.request = requests.PreparedRequest()
        response.request.headers = requests.structures.CaseInsensitiveDict(headers)
        return response

    def _pool(self, session: requests.Session) -> urllib3.HTTPConnectionPool | None:
        """The session's connection, set up as `requests` would; None where a proxy stands between."""
        if session not in self._pools:
            prepared = session.prepare_request(requests.Request("PUT", self.base_url))
            settled = session.merge_environment_settings(self.base_url, {}, None, None, None)
            adapter = session.get_adapter(self.base_url)
            is_direct = select_proxy(self.base_url, settled["proxies"]) is None
            pool = (
                adapter.get_connection_with_tls_context(
                    prepared, settled["verify"], proxies=settled["proxies"], cert=settled["cert"]
                )
                if is_direct and isinstance(adapter, HTTPAdapter)
                else None
            )
            self._pools[session] = pool if isinstance(pool, urllib3.HTTPConnectionPool) else None
        return self._pools[session]


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

"""A plain OneRoster client for tests of the sandbox, which share nothing with the project's own."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

import requests

from roster_pipeline.sandbox.sis_server import SandboxSis

SCOPE = "https://purl.imsglobal.org/spec/or/v1p1/scope/"


class Client:
    """Talks to a sandbox SIS with a token for the given scopes (short names), or for all."""

    def __init__(self, sis: SandboxSis, scopes: Iterable[str] = ()) -> None:
        self.sis = sis
        self.session = requests.Session()
        # A proxy of the machine has no business with loopback.
        self.session.trust_env = False
        self.sign_in(scopes)

    def sign_in(self, scopes: Iterable[str] = ()) -> None:
        form = {"grant_type": "client_credentials", "scope": " ".join(SCOPE + scope for scope in scopes)}
        answer = self.session.post(self.sis.token_url, form, auth=(self.sis.client_id, self.sis.client_secret))
        answer.raise_for_status()
        self.session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def get(self, path: str, **query: Any) -> requests.Response:
        return self.session.get(f"{self.sis.endpoint_url}/{path}", params=query, allow_redirects=False, timeout=30)

    def rows(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """The rows of one page, whatever their envelope."""
        answer = self.get(path, **query)
        assert answer.status_code == 200, answer.text
        document = answer.json()
        return document if isinstance(document, list) else next(iter(document.values()))

    def ids(self, path: str, **query: Any) -> list[str]:
        return [row["sourcedId"] for row in self.rows(path, **query)]

    def put(self, collection: str, envelope: str, body: dict[str, Any]) -> requests.Response:
        url = f"{self.sis.endpoint_url}/{collection}/{quote(body['sourcedId'], safe='')}"
        return self.session.put(url, json={envelope: body}, timeout=30)

    def delete(self, path: str) -> requests.Response:
        return self.session.delete(f"{self.sis.endpoint_url}/{path}", timeout=30)


def code_minor(answer: requests.Response) -> str:
    """The code of an answer in OneRoster's own shape."""
    entries = answer.json()["statusInfoSet"]
    return str(entries[0]["imsx_codeMinor"])

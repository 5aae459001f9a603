"""Tries a connection out, step by step: what was tried, what came back, how long it took, and what to do.

Reads one page of each resource and writes nothing. No pupil's data is part of a result.
"""

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from roster_pipeline.oneroster.archive import open_package
from roster_pipeline.oneroster.auth import ClientCredentials
from roster_pipeline.oneroster.csv_file import read_csv_header
from roster_pipeline.oneroster.errors import CredentialsError, Diagnosis, RestError, TlsError
from roster_pipeline.oneroster.extract import ExtractError
from roster_pipeline.oneroster.gradebook_client import NOT_OFFERED, PUT_SCOPE
from roster_pipeline.oneroster.json_rows import EnvelopeError, rows_of, sourced_id
from roster_pipeline.oneroster.manifest import read_manifest
from roster_pipeline.oneroster.paging import total_of
from roster_pipeline.oneroster.resources import ROSTER_RESOURCES, Resource
from roster_pipeline.oneroster.rest_client import Answer, RestClient, clock_skew
from roster_pipeline.oneroster.retry import RetryPolicy
from roster_pipeline.oneroster.sftp import POLL_SECONDS, SftpError, SftpSource
from roster_pipeline.settings.connection import Connection, Folder, OAuth1, Rest, Sftp

Outcome = Literal["passed", "warning", "failed", "skipped"]

#: A person waits for the result: trouble that passes is waited for a little only.
_POLICY = RetryPolicy(attempts=2)
#: OAuth 1.0a servers refuse requests whose time stamp is further off, and comparing dates gets risky.
_SKEW_LIMIT_SECONDS = 300
_SKEW_WARNING_SECONDS = 30


@dataclass(frozen=True)
class CheckResult:
    """What one step of the test found."""

    step: str
    """`credentials`, `clock`, a resource's name, `page size`, …"""
    outcome: Outcome
    detail: str
    """What came back; for a failure also the remedy."""
    seconds: float
    diagnosis: Diagnosis | None = None
    """What a failed step comes from."""


def check_connection(
    connection: Connection,
    home: Path,
    *,
    grade_scopes: Sequence[str] = (),
    policy: RetryPolicy = _POLICY,
    poll_seconds: float = POLL_SECONDS,
) -> list[CheckResult]:
    """Try out `connection`; relative paths start at `home`. Every trouble is a result, none is raised.

    `grade_scopes` are the scopes that an export of grades needs; none where grades stay.
    """
    match connection:
        case Rest():
            results = _RestCheck(connection, policy).run()
            if grade_scopes and is_passed(results):
                results += _check_gradebook(connection, grade_scopes, policy)
            return results
        case Sftp():
            return _check_sftp(connection, poll_seconds)
        case Folder():
            return _check_package(home / connection.path)


def is_passed(results: list[CheckResult]) -> bool:
    """Whether the connection can be used."""
    return all(result.outcome != "failed" for result in results)


class _RestCheck:
    """The steps for a REST service."""

    def __init__(self, settings: Rest, policy: RetryPolicy) -> None:
        self._settings = settings
        self._policy = policy
        self._results: list[CheckResult] = []
        self._totals: dict[str, int | None] = {}
        self._rows: dict[str, list[Any]] = {}
        self._skew: float | None = None

    def run(self) -> list[CheckResult]:
        with RestClient(self._settings, policy=self._policy) as client:
            if not self._credentials(client):
                return self._results
            for resource in ROSTER_RESOURCES:
                self._first_page(client, resource)
            if not self._rows:
                return self._results
            self._clock()
            self._page_size()
            self._offered(client)
        return self._results

    def _credentials(self, client: RestClient) -> bool:
        authentication = client.authentication
        if not isinstance(authentication, ClientCredentials):
            return True
        started = time.monotonic()
        try:
            authentication.token()
        except RestError as error:
            self._failed("credentials", error, started, diagnosis_of(error, at_token_endpoint=True))
            return False
        asked = [url.rsplit("/", 1)[-1] for url in authentication.scope.split()]
        scopes = ", ".join(asked) or "none, because the SIS knows none of connection.auth.scopes"
        self._passed("credentials", f"a token was issued; scopes asked for: {scopes}", started)
        return True

    def _first_page(self, client: RestClient, resource: Resource) -> None:
        started = time.monotonic()
        try:
            answer = client.get(resource.name, {"limit": self._settings.page_size, "offset": 0})
            rows = rows_of(resource, answer.body)
        except RestError as error:
            self._failed(resource.name, error, started, diagnosis_of(error))
            return
        except EnvelopeError as error:
            detail = f"{client.url(resource.name)}: the answer is no OneRoster collection: {error}"
            self._results.append(_failure(resource.name, detail, started, "not_oneroster"))
            return
        self._skew = clock_skew(answer.headers)
        self._rows[resource.name] = rows
        self._totals[resource.name] = total_of(answer)
        total = self._totals[resource.name]
        detail = f"{len(rows):,} rows" + (f" of {total:,}" if total is not None else "")
        if rows:
            self._passed(resource.name, detail, started)
        else:
            detail += "; the data set may be switched off, or not shared with these credentials"
            self._results.append(CheckResult(resource.name, "warning", detail, _since(started)))

    def _clock(self) -> None:
        started = time.monotonic()
        if self._skew is None:
            self._results.append(CheckResult("clock", "skipped", "the service sends no Date header", 0.0))
            return
        detail = f"this machine's clock is {self._skew:+.0f} s off the server's"
        if abs(self._skew) > _SKEW_LIMIT_SECONDS and isinstance(self._settings.auth, OAuth1):
            self._results.append(_failure("clock", f"{detail}; set it right", started, "clock"))
        elif abs(self._skew) > _SKEW_WARNING_SECONDS:
            self._results.append(CheckResult("clock", "warning", f"{detail}; set it right", _since(started)))
        else:
            self._passed("clock", detail, started)

    def _page_size(self) -> None:
        started = time.monotonic()
        asked = self._settings.page_size
        capped = [len(rows) for name, rows in self._rows.items() if 0 < len(rows) < min(asked, self._totals[name] or 0)]
        if capped:
            detail = f"the service caps pages at {max(capped):,} rows, {asked:,} were asked for"
            self._results.append(CheckResult("page size", "warning", detail, _since(started)))
        else:
            self._passed("page size", f"pages of {asked:,} rows are not cut short", started)
        offered = any(total is not None for total in self._totals.values())
        detail = "X-Total-Count is sent" if offered else "no X-Total-Count, so that pages are read one after the other"
        self._results.append(CheckResult("totals", "passed" if offered else "warning", detail, 0.0))

    def _offered(self, client: RestClient) -> None:
        """Whether the service sorts and filters; neither is needed."""
        name, rows = max(self._rows.items(), key=lambda item: len(item[1]))
        resource = next(each for each in ROSTER_RESOURCES if each.name == name)
        if len(rows) < 2:
            self._results.append(CheckResult("sorting", "skipped", "too few rows to tell", 0.0))
            self._results.append(CheckResult("filtering", "skipped", "too few rows to tell", 0.0))
            return

        def sorts() -> bool:
            ascending, descending = (
                self._ids(client, resource, {"limit": 1, "offset": 0, "sort": "sourcedId", "orderBy": order})
                for order in ("asc", "desc")
            )
            return ascending != descending

        wanted = next((found for row in rows if (found := sourced_id(row)) and "'" not in found), "")

        def filters() -> bool:
            query: dict[str, str | int] = {"limit": 2, "offset": 0, "filter": f"sourcedId='{wanted}'"}
            return self._ids(client, resource, query) == [wanted]

        self._offer("sorting", sorts)
        self._offer("filtering", filters)

    def _offer(self, step: str, try_out: Callable[[], bool]) -> None:
        started = time.monotonic()
        try:
            offered = try_out()
        except (RestError, EnvelopeError):
            self._results.append(CheckResult(step, "warning", "refused; the extract does without", _since(started)))
            return
        detail = "offered" if offered else "ignored; the extract does without"
        self._results.append(CheckResult(step, "passed" if offered else "warning", detail, _since(started)))

    def _ids(self, client: RestClient, resource: Resource, params: dict[str, str | int]) -> list[str | None]:
        answer: Answer = client.get(resource.name, params)
        return [sourced_id(row) for row in rows_of(resource, answer.body)]

    def _passed(self, step: str, detail: str, started: float) -> None:
        self._results.append(CheckResult(step, "passed", detail, _since(started)))

    def _failed(self, step: str, error: RestError, started: float, diagnosis: Diagnosis) -> None:
        self._results.append(_failure(step, str(error), started, diagnosis))


def _check_gradebook(settings: Rest, needed: Sequence[str], policy: RetryPolicy) -> list[CheckResult]:
    """Whether the token for the gradebook lets us write there; writes nothing."""
    started = time.monotonic()
    granted: set[str] | None = None
    try:
        with RestClient(settings, policy=policy, scopes=needed) as client:
            if isinstance(client.authentication, ClientCredentials):
                client.authentication.token()
                granted = client.authentication.granted
            lacking = [] if granted is None else [scope for scope in needed if scope not in granted]
            if granted and PUT_SCOPE in lacking:
                detail = (
                    f"the token is good for {', '.join(sorted(granted))} only, so no grade can be written; "
                    f"have the SIS grant these credentials {', '.join(lacking)}"
                )
                return [_failure("gradebook", detail, started, "licence_or_credentials")]
            client.get("lineItems", {"limit": 1, "offset": 0})
    except RestError as error:
        if error.status not in NOT_OFFERED:
            return [_failure("gradebook", str(error), started, diagnosis_of(error))]
        detail = "line items cannot be listed, so grades cannot be read back; whether they can be written is open"
        return [CheckResult("gradebook", "warning", detail, _since(started))]
    if lacking:
        missing = ", ".join(lacking) if granted else "scopes of its gradebook by name"
        detail = f"the SIS does not grant {missing}; it may refuse what needs them. Have them granted"
        return [CheckResult("gradebook", "warning", detail, _since(started))]
    return [CheckResult("gradebook", "passed", "line items can be read; nothing was written", _since(started))]


def diagnosis_of(error: RestError, *, at_token_endpoint: bool = False) -> Diagnosis:
    """What a failed request comes from."""
    if isinstance(error, TlsError):
        return "tls"
    if error.status is None:
        return "wrong_url" if isinstance(error, CredentialsError) else "unreachable"
    if at_token_endpoint:
        if error.status == 404 or error.status < 400:
            return "wrong_url"
        return "credentials" if isinstance(error, CredentialsError) else "service"
    if 300 <= error.status < 400 or (error.status == 404 and not str(error.info)):
        # A OneRoster service says in its own words what it does not have; this is something else.
        return "wrong_url"
    if error.status in {401, 403, 404}:
        return "licence_or_credentials"
    return "not_oneroster" if error.status < 300 and not error.info.is_failure else "service"


def _check_sftp(settings: Sftp, poll_seconds: float) -> list[CheckResult]:
    source = SftpSource(settings, poll_seconds=poll_seconds)
    started = time.monotonic()
    try:
        bundles = source.list_bundles()
    except SftpError as error:
        return [_failure("folder", str(error), started, error.diagnosis)]
    if not bundles:
        return [CheckResult("folder", "warning", "signed in; there is no *.zip yet", _since(started))]
    newest = bundles[-1]
    detail = f"signed in; {len(bundles)} zips, the newest is {newest.name} of {newest.modified:%Y-%m-%d %H:%M} UTC"
    results = [CheckResult("folder", "passed", detail, _since(started))]
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        try:
            path = source.download_newest(Path(folder))
        except SftpError as error:
            return [*results, _failure("download", str(error), started, error.diagnosis)]
        results.append(CheckResult("download", "passed", f"{path.stat().st_size:,} bytes", _since(started)))
        return [*results, *_check_package(path)]


def _check_package(path: Path) -> list[CheckResult]:
    started = time.monotonic()
    results: list[CheckResult] = []
    try:
        with open_package(path) as package:
            manifest = read_manifest(package)
            modes = ", ".join(f"{name} {mode}" for name, mode in manifest.modes.items())
            found = len(package.findings) + len(manifest.findings)
            detail = modes + (f"; {found} oddities" if found else "")
            results.append(CheckResult("manifest", "warning" if found else "passed", detail, _since(started)))
            for resource in ROSTER_RESOURCES:
                started = time.monotonic()
                name = f"{resource.name}.csv".lower()
                if manifest.modes[resource.name] == "absent":
                    results.append(CheckResult(resource.name, "skipped", "absent", 0.0))
                    continue
                with package.open(name) as source:
                    header = read_csv_header(resource, source, package.describe(name))
                odd = "; ".join(f"{finding.code} {finding.detail}".strip() for finding in header.findings)
                detail = f"{header.width} columns, {package.size(name):,} bytes" + (f"; {odd}" if odd else "")
                results.append(CheckResult(resource.name, "warning" if odd else "passed", detail, _since(started)))
    except ExtractError as error:
        results.append(_failure("package", str(error), started, "not_oneroster"))
    return results


def _failure(step: str, detail: str, started: float, diagnosis: Diagnosis) -> CheckResult:
    return CheckResult(step, "failed", detail, _since(started), diagnosis)


def _since(started: float) -> float:
    return round(time.monotonic() - started, 3)

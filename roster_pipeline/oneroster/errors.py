"""What went wrong between us and a OneRoster REST service: status codes and the three shapes of error bodies."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from roster_pipeline.oneroster.extract import ExtractError

_LONGEST_DESCRIPTION = 200

Json = dict[str, Any]


@dataclass(frozen=True)
class StatusInfo:
    """OneRoster's imsx_StatusInfo: the service's own word on a request. Empty text where it said nothing."""

    code_major: str = ""
    severity: str = ""
    code_minor: str = ""
    description: str = ""

    @property
    def is_failure(self) -> bool:
        return self.code_major.lower() == "failure"

    def __str__(self) -> str:
        return ": ".join(part for part in (self.code_minor, self.description[:_LONGEST_DESCRIPTION]) if part)


class RestError(ExtractError):
    """A request that failed for good. The message names the URL, what came back and the remedy."""

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        info: StatusInfo | None = None,
        timed_out: bool = False,
        retryable: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        """HTTP status; None when no answer came, so that the outcome of a write is unknown."""
        self.info = info or StatusInfo()
        self.timed_out = timed_out
        self.retryable = retryable
        self.retry_after = retry_after
        """Seconds that the server asked to wait."""


#: What a connection that does not work suffers from.
Diagnosis = Literal[
    "unreachable",
    "tls",
    "host_key",
    "wrong_url",
    "folder",
    "credentials",
    "licence_or_credentials",
    "not_oneroster",
    "clock",
    "service",
]


class TlsError(RestError):
    """The server's certificate cannot be trusted, or it speaks no TLS."""


class CredentialsError(RestError):
    """The SIS does not accept the credentials."""


def decode_json(content: bytes) -> Any:
    """The JSON value in `content`; None when it is empty. Raises ValueError when it is no JSON."""
    return orjson.loads(content) if content.strip() else None


def status_info(body: Any) -> StatusInfo | None:
    """The service's status in a decoded answer, in whichever shape it has: the worst of several, None when none.

    The shapes: `{"statusInfoSet": [{"imsx_codeMajor": ...}]}` (OneRoster 1.1, section 3.6), the same keys at the top
    with `imsx_CodeMinor` nested (its OpenAPI file), and both without the prefix, in any letter case.
    """
    found = [info for candidate in _candidates(body) if (info := _read(candidate)) is not None]
    failures = [info for info in found if info.is_failure]
    return next(iter(failures or found), None)


def _candidates(body: Any) -> Iterator[Json]:
    if not isinstance(body, dict):
        return
    yield body
    for key, value in body.items():
        if key.lower().removeprefix("imsx_") in {"statusinfoset", "statusinfo", "error", "errors"}:
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, dict):
                    yield item


def _read(candidate: Json) -> StatusInfo | None:
    plain = {key.lower().removeprefix("imsx_"): value for key, value in candidate.items()}
    if not {"codemajor", "codeminor"} & plain.keys():
        return None
    return StatusInfo(
        code_major=_text(plain.get("codemajor")),
        severity=_text(plain.get("severity")),
        code_minor=_code_minor(plain.get("codeminor")),
        description=_text(plain.get("description")),
    )


def _code_minor(value: Any) -> str:
    """The minor code: plain text, or the values of a nested list of fields."""
    if isinstance(value, list):
        return ", ".join(filter(None, map(_code_minor, value)))
    if isinstance(value, dict):
        plain = {key.lower().removeprefix("imsx_"): inner for key, inner in value.items()}
        return _code_minor(plain.get("codeminorfield") or plain.get("codeminorfieldvalue"))
    return _text(value)


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""

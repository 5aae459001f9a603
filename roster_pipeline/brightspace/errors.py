"""What went wrong between us and Brightspace's API.

Messages name the operation, the status, what Brightspace said and the remedy. What was sent is cut out of what
Brightspace said, because that may be a person's name, and addresses are told without their query for the same reason.
"""

import re
from collections.abc import Iterator
from typing import Any, cast

import orjson
import requests

#: How much of an error body is looked at.
_LONGEST_BODY = 2048
_LONGEST_DETAIL = 300
#: Shorter values, a role id or a flag, are no personal data and would tear words apart.
_SHORTEST_SECRET = 3


class BrightspaceError(Exception):
    """A call that failed for good."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        """HTTP status; None where no answer came."""


class SignInError(BrightspaceError):
    """Brightspace issues no access token, or does not accept the one it issued."""


class NotAllowedError(BrightspaceError):
    """The token is good, but its scopes or the service user's role do not allow the call (403)."""


class NotFoundError(BrightspaceError):
    """Not there, hidden by missing permissions, or a contract that is gone (404)."""


class RefusedError(BrightspaceError):
    """Brightspace does not take what was sent; sending it again changes nothing (other 4xx)."""


class UnavailableError(BrightspaceError):
    """No answer, or 5xx or 429 again and again. Nothing was changed, or repeating changes nothing more."""


class OutcomeUnknownError(BrightspaceError):
    """A write was sent and no clear answer came: it may have been done. Read back before it is sent again."""


class AmbiguousError(BrightspaceError):
    """Brightspace holds several objects where one was meant."""


def refusal(response: requests.Response, sent: Any = None) -> BrightspaceError:
    """The error that a response outside 2xx is; `sent` is what the request held: JSON body, query."""
    status = response.status_code
    operation = f"{response.request.method} {without_query(response.url)}"
    said = redacted(problem_text(response), sent)
    message = f"{operation}: HTTP {status}" + (f": {said}" if said else "")
    if status == 401:
        return SignInError(f"{message}. Check brightspace.auth and the service user.", status=status)
    if status == 403:
        return NotAllowedError(
            f"{message}. Give the application the scope, and the service user's role the permission, for this call.",
            status=status,
        )
    if status == 404:
        return NotFoundError(
            f"{message}. It is not there, the service user may not see it, or the API version is gone.", status=status
        )
    if 300 <= status < 400:
        return RefusedError(
            f"{message}, a redirect. Write the tenant's final address as brightspace.url.", status=status
        )
    if status == 429 or status >= 500:
        return UnavailableError(f"{message}. Try later.", status=status)
    return RefusedError(f"{message}.", status=status)


def problem_text(response: requests.Response) -> str:
    """What an error body says: RFC 7807, the older `Errors`, or the text of an HTML page. Empty when nothing."""
    document = json_object(response.content) or {}
    if text := ": ".join(str(document[key]) for key in ("title", "detail") if document.get(key)):
        return text[:_LONGEST_DETAIL]
    if isinstance(document.get("Errors"), list):
        errors: list[Any] = document["Errors"]
        return "; ".join(str(each["Message"]) for each in errors if "Message" in each)[:_LONGEST_DETAIL]
    text = response.content[:_LONGEST_BODY].decode("utf-8", "replace")
    plain = re.sub(r"<(script|style).*?</\1>|<[^>]*>", " ", text, flags=re.DOTALL | re.IGNORECASE)
    return " ".join(plain.split())[:_LONGEST_DETAIL]


def json_object(content: bytes) -> dict[str, Any] | None:
    """The JSON object in `content`; None when it is something else."""
    try:
        document: Any = orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
    return cast("dict[str, Any]", document) if isinstance(document, dict) else None


def redacted(text: str, sent: Any) -> str:
    """The text without the values that were sent."""
    for value in sorted(set(_texts(sent)), key=len, reverse=True):
        text = text.replace(value, "…")
    return text


def without_query(url: str) -> str:
    """An address without what was asked for: that may be a username."""
    return url.partition("?")[0]


def _texts(sent: Any) -> Iterator[str]:
    if isinstance(sent, str) and len(sent) >= _SHORTEST_SECRET:
        yield sent
    elif isinstance(sent, dict):
        for value in cast("dict[str, Any]", sent).values():
            yield from _texts(value)
    elif isinstance(sent, list):
        for value in sent:  # pyright: ignore[reportUnknownVariableType]
            yield from _texts(value)

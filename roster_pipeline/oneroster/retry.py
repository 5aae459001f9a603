"""How long to wait before the same request is sent again."""

import random
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

from urllib3.exceptions import InvalidHeader
from urllib3.util import Retry

#: Statuses that another try may cure.
RETRYABLE_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True)
class RetryPolicy:
    """Bounds of trying again; times in seconds."""

    attempts: int = 6
    first_wait: float = 0.5
    """Doubles with each try; the wait is drawn from its upper half, so that clients do not come back together."""
    longest_wait: float = 30
    longest_retry_after: float = 120
    """A server's Retry-After is followed up to here."""
    longest_total: float = 15 * 60
    """All waits of one request together."""


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a Retry-After header asks for, given as seconds or as an HTTP date; None when it has none."""
    value = headers.get("Retry-After")
    if not value:
        return None
    try:
        return max(0.0, Retry().parse_retry_after(value))
    except InvalidHeader:
        return None


class Pauses:
    """The waits of one request."""

    def __init__(self, policy: RetryPolicy, stop: threading.Event) -> None:
        self._policy = policy
        self._stop = stop
        self._tries = 1
        self._waited = 0.0

    def wait(self, asked: float | None = None) -> bool:
        """Wait before the next try: `asked` seconds where the server said so. False when there is to be no next try."""
        policy = self._policy
        if self._tries >= policy.attempts or self._stop.is_set():
            return False
        if asked is not None:
            seconds = min(asked, policy.longest_retry_after)
        else:
            longest = min(policy.first_wait * 2 ** (self._tries - 1), policy.longest_wait)
            seconds = longest * random.uniform(0.5, 1)  # noqa: S311 - spreads load, guards nothing
        if self._waited + seconds > policy.longest_total:
            return False
        started = time.monotonic()
        stopped = self._stop.wait(seconds)
        self._waited += time.monotonic() - started
        self._tries += 1
        return not stopped

"""The rate at which a tenant is called: one budget for all threads, corrected by what the tenant says.

D2L gives each registered application a number of credits a minute and tells in every answer how many are left
(`X-Rate-Limit-Remaining`, `X-Rate-Limit-Reset` in seconds, `X-Request-Cost`); a refusal (429) tells with
`Retry-After` how long to stay away instead.
"""

import random
import threading
import time
from collections.abc import Mapping

from urllib3.exceptions import InvalidHeader
from urllib3.util import Retry

#: Calls that may follow each other without a pause after a rest, in seconds of the budget.
_BURST_SECONDS = 1.0
#: After a refusal everybody waits up to this much longer, in seconds, so that not all come back at once.
_JITTER = 0.5


class RateBudget:
    """Spreads calls over time. `calls_per_minute` is the most that is asked for, whatever the tenant allows."""

    def __init__(self, calls_per_minute: int, stop: threading.Event | None = None) -> None:
        self._interval = 60 / calls_per_minute
        self._stop = stop or threading.Event()
        self._lock = threading.Lock()
        self._next = 0.0
        self._tenant_interval = 0.0
        self._tenant_window_ends = 0.0
        self.calls = 0
        """Calls let through so far."""

    def acquire(self) -> None:
        """Wait for a turn."""
        while True:
            with self._lock:
                now = time.monotonic()
                wait = self._next - now
                if wait <= 0:
                    interval = self._interval
                    if now < self._tenant_window_ends:
                        interval = max(interval, self._tenant_interval)
                    self._next = max(self._next, now - _BURST_SECONDS) + interval
                    self.calls += 1
                    return
            if self._stop.wait(wait):
                return

    def learn(self, headers: Mapping[str, str]) -> None:
        """Take in how many credits are left: what is left has to last until the bucket is filled again."""
        remaining, reset, cost = (
            _number(headers.get(name)) for name in ("X-Rate-Limit-Remaining", "X-Rate-Limit-Reset", "X-Request-Cost")
        )
        if remaining is None or reset is None:
            return
        calls_left = remaining / (cost or 1)
        with self._lock:
            now = time.monotonic()
            self._tenant_window_ends = now + reset
            if calls_left < 1:
                self._next = max(self._next, now + reset)
            else:
                self._tenant_interval = reset / calls_left

    def hold(self, seconds: float) -> None:
        """Let nobody through for a while, as a refusal asks."""
        spread = seconds + random.uniform(0, _JITTER)  # noqa: S311 - spreads load, guards nothing
        with self._lock:
            self._next = max(self._next, time.monotonic() + spread)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a Retry-After header asks for, given as seconds or as an HTTP date; None without one."""
    value = headers.get("Retry-After")
    if not value:
        return None
    try:
        return max(0.0, Retry().parse_retry_after(value))
    except InvalidHeader:
        return None


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None

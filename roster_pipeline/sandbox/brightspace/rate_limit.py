"""Credits that every application may spend; D2L's documentation calls the limit a bucket, refilled every minute."""

import math
import time
from collections import defaultdict
from collections.abc import Mapping

from roster_pipeline.brightspace.limits import CREDITS_PER_CALL, CREDITS_PER_MINUTE


class RateLimit:
    """A bucket for each application.

    `budget` and `cost` in credits; `window` in seconds: a minute at D2L, less where a test cannot wait.
    """

    def __init__(self, budget: int = CREDITS_PER_MINUTE, cost: int = CREDITS_PER_CALL, window: float = 60) -> None:
        self.budget = budget
        self.cost = cost
        self.window = window
        self.refusals = 0
        self._spent: defaultdict[str, int] = defaultdict(int)
        self._windows: dict[str, int] = {}

    def spend(self, client_id: str) -> tuple[bool, Mapping[str, str]]:
        """Take the cost of a call: whether there was enough, and the headers of the answer."""
        now = time.monotonic()
        window = int(now // self.window)
        if self._windows.get(client_id) != window:
            self._windows[client_id] = window
            self._spent[client_id] = 0
        left = self.budget - self._spent[client_id]
        reset = str(math.ceil((window + 1) * self.window - now))
        if left < self.cost:
            self.refusals += 1
            return False, {"Retry-After": reset}
        self._spent[client_id] += self.cost
        return True, {
            "X-Rate-Limit-Remaining": str(left - self.cost),
            "X-Rate-Limit-Reset": reset,
            "X-Request-Cost": str(self.cost),
        }

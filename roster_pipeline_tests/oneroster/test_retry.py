import threading
import time
from email.utils import formatdate

import pytest

from roster_pipeline.oneroster.retry import Pauses, RetryPolicy, retry_after


@pytest.mark.parametrize(
    ("value", "seconds"), [("3", 3.0), (formatdate(0, usegmt=True), 0.0), ("soon", None), ("", None), (None, None)]
)
def test_retry_after_in_seconds_or_as_a_date(value: str | None, seconds: float | None) -> None:
    assert retry_after({} if value is None else {"Retry-After": value}) == seconds


def test_retry_after_as_a_date_to_come() -> None:
    asked = retry_after({"Retry-After": formatdate(time.time() + 100, usegmt=True)})
    assert asked is not None
    assert 95 < asked <= 100


class RecordedStop(threading.Event):
    """Does not wait, and remembers for how long it was asked to."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout or 0.0)
        return self.is_set()


def test_waits_double_up_to_the_longest_and_end() -> None:
    stop = RecordedStop()
    pauses = Pauses(RetryPolicy(attempts=6, first_wait=1, longest_wait=4), stop)
    while pauses.wait():
        pass
    assert len(stop.waits) == 5
    for waited, longest in zip(stop.waits, [1, 2, 4, 4, 4], strict=True):
        assert longest / 2 <= waited <= longest


def test_what_the_server_asks_for_is_followed_up_to_the_cap() -> None:
    stop = RecordedStop()
    pauses = Pauses(RetryPolicy(), stop)
    assert pauses.wait(7)
    assert pauses.wait(100_000)
    assert stop.waits == [7, 120]


def test_all_waits_together_are_bounded() -> None:
    assert not Pauses(RetryPolicy(longest_total=5), RecordedStop()).wait(6)


def test_a_stop_ends_the_wait() -> None:
    stop = threading.Event()
    pauses = Pauses(RetryPolicy(first_wait=60, longest_wait=60), stop)
    threading.Timer(0.05, stop.set).start()
    started = time.monotonic()
    assert not pauses.wait()
    assert time.monotonic() - started < 30
    assert not pauses.wait()

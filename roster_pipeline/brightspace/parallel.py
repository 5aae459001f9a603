"""Works on many items at once, never on more than a few ahead, and on those of one key one after the other."""

import threading
from collections.abc import Callable, Hashable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

#: Items handed out for each thread, so that none waits for the next.
_AHEAD = 2
#: Many more than threads, so that two keys seldom share a lock.
_LOCKS = 256


class KeyLocks:
    """Locks by key, from a fixed number of them: the same key always has the same lock."""

    def __init__(self) -> None:
        self._locks = [threading.Lock() for _ in range(_LOCKS)]

    def __getitem__(self, key: Hashable) -> threading.Lock:
        return self._locks[hash(key) % _LOCKS]


def in_parallel(work: Callable[[Item], Result], items: Iterable[Item], threads: int) -> Iterator[Result]:
    """Results in the order in which they come.

    Items are drawn in the calling thread. After an exception no further item is begun; the results of those under way
    come first, then the exception is raised.
    """
    drawn = iter(items)
    failure: BaseException | None = None
    pending: set[Future[Result]] = set()
    with ThreadPoolExecutor(threads) as pool:
        is_drawn = False
        while True:
            while not is_drawn and failure is None and len(pending) < _AHEAD * threads:
                try:
                    pending.add(pool.submit(work, next(drawn)))
                except StopIteration:
                    is_drawn = True
            if not pending:
                break
            done, pending = wait(pending, return_when=FIRST_COMPLETED)
            for future in done:
                error = future.exception()
                if error is None:
                    yield future.result()
                elif failure is None:
                    failure = error
                    pending = {other for other in pending if not other.cancel()}
    if failure is not None:
        raise failure

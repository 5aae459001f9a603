import threading
import time
from concurrent.futures import ThreadPoolExecutor

from roster_pipeline.brightspace.rate import RateBudget, retry_after
from roster_pipeline.sandbox.brightspace.faults import TooManyRequests
from roster_pipeline.sandbox.brightspace.rate_limit import RateLimit
from roster_pipeline.sandbox.brightspace_server import SandboxBrightspace

from .conftest import Connect


def passed_within(budget: RateBudget, seconds: float, threads: int = 4) -> int:
    ends = time.monotonic() + seconds
    passed: list[float] = []

    def take() -> None:
        while True:
            budget.acquire()
            if time.monotonic() > ends:
                return
            passed.append(time.monotonic())

    workers = [threading.Thread(target=take) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return len(passed)


def test_all_threads_together_keep_the_rate() -> None:
    # A second's worth at once, then one every 10 ms.
    assert 100 <= passed_within(RateBudget(6000), 0.5) <= 155


def test_what_the_tenant_has_left_is_spread_over_the_rest_of_its_minute() -> None:
    budget = RateBudget(60_000)
    budget.learn({"X-Rate-Limit-Remaining": "200", "X-Rate-Limit-Reset": "10", "X-Request-Cost": "10"})
    # 20 calls for 10 seconds: two a second, after at most a second's worth at once.
    assert passed_within(budget, 0.6) <= 5


def test_nothing_left_is_waited_out() -> None:
    budget = RateBudget(60_000)
    budget.learn({"X-Rate-Limit-Remaining": "5", "X-Rate-Limit-Reset": "0.3", "X-Request-Cost": "10"})
    started = time.monotonic()
    budget.acquire()
    assert time.monotonic() - started >= 0.3


def test_headers_that_say_nothing_change_nothing() -> None:
    budget = RateBudget(60_000)
    for headers in ({}, {"X-Rate-Limit-Remaining": "x", "X-Rate-Limit-Reset": "60"}):
        budget.learn(headers)
    started = time.monotonic()
    for _ in range(10):
        budget.acquire()
    assert time.monotonic() - started < 10, "whatever the headers seem to say, nothing is waited out"


def test_stopping_ends_the_wait() -> None:
    stop = threading.Event()
    budget = RateBudget(60, stop)
    budget.hold(60)
    threading.Timer(0.05, stop.set).start()
    started = time.monotonic()
    budget.acquire()
    assert time.monotonic() - started < 10


def test_retry_after_is_seconds_or_a_date() -> None:
    assert retry_after({"Retry-After": "7"}) == 7
    assert retry_after({"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}) == 0
    assert retry_after({"Retry-After": "soon"}) is None
    assert retry_after({}) is None


def test_a_refusal_for_the_rate_is_waited_out_even_by_creations(
    brightspace: SandboxBrightspace, connect: Connect
) -> None:
    client = connect()
    school, root = client.organization.type_named("School").id, client.organization.root_id()
    started = time.monotonic()
    with brightspace.fault(TooManyRequests("POST .*/orgstructure/$", times=1, retry_after=1)):
        client.organization.create(school, "High School", "HS1", [root])
    assert time.monotonic() - started >= 1
    assert len(client.organization.find("HS1")) == 1


def test_many_threads_stay_within_what_a_tenant_allows(connect: Connect) -> None:
    limit = RateLimit(budget=300, cost=10, window=1)
    with SandboxBrightspace(rate_limit=limit) as brightspace:
        client = connect(brightspace, concurrency=8)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: client.people.service_user_id(), range(90)))
    # 90 calls at 30 a window; whoever did not listen would be refused dozens of times.
    assert limit.refusals <= 16

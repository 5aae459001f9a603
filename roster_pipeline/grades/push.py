"""Sends what is planned: classes side by side, inside a class in the order that the SIS needs."""

import threading
import zlib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Literal, NamedTuple

import duckdb
import orjson

from roster_pipeline.grades.journal import Journal
from roster_pipeline.oneroster.errors import RestError
from roster_pipeline.oneroster.gradebook_client import Collection, GradebookClient, Write

Verify = Literal["none", "sample", "all"]

#: Planned writes in memory at a time, beside those of the classes under way.
_FETCH = 2000
#: Writes without an answer in a row after which the SIS is taken to be down.
_SILENT_LIMIT = 20
#: One write in so many is read back where `verify` is `sample`.
_SAMPLE = 20
_SORT_MEMORY = "256MiB"
_COLLECTIONS: dict[str, Collection] = {"line_item": "lineItems", "result": "results"}


class SisUnreachableError(Exception):
    """The SIS answers no more; what was not sent stays due."""


class Planned(NamedTuple):
    """One write of the plan."""

    class_sourced_id: str
    action: str
    kind: str
    local_id: str
    sourced_id: str
    item_id: str
    body: str | None
    keeps_category: bool


@dataclass(frozen=True)
class Pushed:
    """What a push did."""

    outcomes: dict[str, int]
    """Writes by outcome."""


class Push:
    """One sending of a plan; `run` may be called once."""

    def __init__(self, client: GradebookClient, journal: Journal, *, concurrency: int, verify: Verify = "none") -> None:
        self._client = client
        self._journal = journal
        self._concurrency = concurrency
        self._verify = verify
        self._lock = threading.Lock()
        self._outcomes: Counter[str] = Counter()
        self._silent = 0
        self._trouble: str | None = None

    def run(self) -> Pushed:
        """Send everything. Raises SisUnreachableError when the SIS stops answering or does not let us in."""
        classes = planned_classes(self._journal.plan)
        with ThreadPoolExecutor(self._concurrency, thread_name_prefix="grades") as pool:
            under_way: set[Future[None]] = set()
            for writes in classes:
                if self._trouble:
                    break
                if len(under_way) >= 2 * self._concurrency:
                    done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                    for future in done:
                        future.result()
                under_way.add(pool.submit(self._send_class, writes))
            for future in under_way:
                future.result()
        self._journal.settle()
        if self._trouble:
            raise SisUnreachableError(self._trouble)
        return Pushed(dict(self._outcomes))

    def _send_class(self, writes: list[Planned]) -> None:
        failed_items: set[str] = set()
        for write in writes:
            if self._trouble:
                return
            if write.kind == "result" and write.action == "put" and write.item_id in failed_items:
                self._note(write, "parent_failed", "its line item was not accepted")
                continue
            outcome, error = self._send(write)
            if write.kind == "line_item" and outcome in {"failed", "unknown"}:
                failed_items.add(write.item_id)
            self._note(write, outcome, error)

    def _send(self, write: Planned) -> tuple[str, str | None]:
        collection = _COLLECTIONS[write.kind]
        if write.body is None:
            return self._judged(self._client.delete(collection, write.sourced_id), "deleted")
        body = write.body.encode()
        if write.keeps_category:
            body = self._with_category_of_sis(write, body)
        outcome, error = self._judged(self._client.put(collection, write.sourced_id, body), "sent")
        if outcome == "sent" and self._is_verified(write):
            return self._read_back(collection, write, body)
        return outcome, error

    def _judged(self, write: Write, success: str) -> tuple[str, str | None]:
        if write.state == "unknown":
            with self._lock:
                self._silent += 1
                if write.is_fatal or self._silent >= _SILENT_LIMIT:
                    self._trouble = self._trouble or write.error
            return "unknown", write.error
        self._silent = 0
        return (success, None) if write.state == "done" else ("failed", write.error)

    def _with_category_of_sis(self, write: Planned, body: bytes) -> bytes:
        """The body with the category that a teacher chose in the SIS since, where the SIS tells it."""
        try:
            there = self._client.get("lineItems", write.sourced_id) or {}
        except RestError:
            return body
        category = there.get("category")
        if not isinstance(category, dict) or not category.get("sourcedId"):
            return body
        document = orjson.loads(body)
        document["lineItem"]["category"] = {"type": "category", "href": "", **category}
        return orjson.dumps(document)

    def _is_verified(self, write: Planned) -> bool:
        if self._verify == "sample":
            return zlib.crc32(write.sourced_id.encode()) % _SAMPLE == 0
        return self._verify == "all"

    def _read_back(self, collection: Collection, write: Planned, body: bytes) -> tuple[str, str | None]:
        (sent,) = orjson.loads(body).values()
        try:
            there = self._client.get(collection, write.sourced_id)
        except RestError as error:
            return "unverified", f"could not be read back: {error}"
        if there is None:
            return "unverified", "the SIS accepted it and does not have it"
        differing = sorted(key for key in sent if not same(sent[key], there.get(key)) and key != "dateLastModified")
        if differing:
            return "unverified", f"the SIS has another {', '.join(differing)}"
        return "sent", None

    def _note(self, write: Planned, outcome: str, error: str | None) -> None:
        self._journal.add(write.kind, write.local_id, outcome, error)
        with self._lock:
            self._outcomes[outcome] += 1


def planned_classes(plan: Path) -> Iterator[list[Planned]]:
    """The writes of a plan, class by class, in the order in which they are to be sent."""
    with duckdb.connect(config={"memory_limit": _SORT_MEMORY, "temp_directory": str(plan.parent / "sort")}) as database:
        cursor = database.execute(
            f"SELECT {', '.join(Planned._fields)} FROM read_parquet($plan) "
            "ORDER BY class_sourced_id, step, item_id, local_id",
            {"plan": str(plan)},
        )

        def rows() -> Iterator[Planned]:
            while batch := cursor.fetchmany(_FETCH):
                yield from (Planned(*row) for row in batch)

        for _, writes in groupby(rows(), key=lambda row: row.class_sourced_id):
            yield list(writes)


def same(sent: Any, there: Any) -> bool:
    """Whether a value that was read back is the one that was sent, however the SIS writes it."""
    if isinstance(sent, dict):
        given = there.get("sourcedId") if isinstance(there, dict) else there
        return bool(sent.get("sourcedId") == given)
    if isinstance(sent, bool) or sent is None:
        return bool(sent == there)
    if isinstance(sent, int | float):
        try:
            return bool(abs(float(there) - sent) < 5e-5)
        except (TypeError, ValueError):
            return False
    text = "" if there is None else str(there)
    if len(sent) >= 10 and sent[4:5] == "-" and sent[7:8] == "-" and sent[10:11] in {"", "T"}:
        return bool(sent[:10] == text[:10])
    return bool(sent.strip() == text.strip())

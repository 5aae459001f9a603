"""Reads a collection page by page until there is nothing more, whatever the server makes of limit and offset.

Source of `limit`, `offset`, X-Total-Count and Link: OneRoster 1.1 REST binding, section 3.4.1.
"""

import itertools
import re
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import pyarrow as pa
import pyarrow.compute as pc
from requests.utils import parse_header_links

from roster_pipeline.oneroster.errors import RestError
from roster_pipeline.oneroster.extract import ExtractError
from roster_pipeline.oneroster.json_rows import EnvelopeError, JsonRows
from roster_pipeline.oneroster.rest_client import Answer, RestClient

#: A district has at most some ten million enrollments; a server that never ends is not a district.
MAX_ROWS = 100_000_000
MAX_PAGES = 1_000_000

#: Statuses by which a gateway says that a page takes too long: a smaller one may pass.
_PAGE_TOO_BIG = frozenset({502, 504})
_SMALLEST_PAGE = 10
#: Pages under way or waiting for their turn, for each connection.
_AHEAD = 2


@dataclass(frozen=True)
class Page:
    """One answer."""

    table: pa.Table
    """The rows as raw columns; whatever the server sent beside them is gone, so that many pages fit in memory."""
    asked: int
    """The limit that was asked for."""
    total: int | None
    next_offset: int | None
    is_last: bool
    """Whether the server says so, by a link to the last page that is this one."""

    @property
    def rows(self) -> int:
        return self.table.num_rows

    @property
    def ids(self) -> "pa.ChunkedArray[Any]":
        return self.table.column("sourcedId")

    @cached_property
    def distinct(self) -> int:
        """How far the page reaches for sure: servers that repeat a row send it beyond the limit they count with.

        Where the rows themselves repeat, the next page overlaps this one, which costs time but no row.
        """
        known: int = pc.count_distinct(self.ids, mode="only_valid").as_py()
        return known + self.ids.null_count


class CollectionReader:
    """One reading of a collection, from its first row to its last."""

    def __init__(self, client: RestClient, rows: JsonRows, *, page_size: int, concurrency: int) -> None:
        self._client = client
        self._converter = rows
        self._resource = rows.resource
        self._page_size = page_size
        self._concurrency = concurrency
        self._lock = threading.Lock()
        self._sorted = True
        self._pages = 0
        self.collected = 0
        self.first_total: int | None = None
        self.latest_total: int | None = None

    def pages(self) -> Iterator[pa.Table]:
        """The collection's rows in order, page by page; a row may come twice. Raises ExtractError.

        While the caller works on a page the next ones are under way: as many as the connections can take where the
        total is known, else one.
        """
        # One thread more than connections, so that none of these idles while a page is turned into columns.
        pool = ThreadPoolExecutor(self._concurrency + 1, thread_name_prefix=self._resource.name)
        try:
            for page in self._pages_in_order(pool):
                yield page.table
        finally:
            # Whatever is under way after an error is not waited for; it ends with the client.
            pool.shutdown(wait=False, cancel_futures=True)

    def _pages_in_order(self, pool: ThreadPoolExecutor) -> Iterator[Page]:
        ahead: deque[Future[Page | None]] = deque()
        first = self._fetch(0, self._page_size)
        self.first_total = first.total
        if not first.rows:
            return
        page, offset = first, self._next_offset(0, first)
        starts = self._window_starts(first, offset)
        while True:
            self.collected += page.rows
            for start in itertools.islice(starts, self._concurrency * _AHEAD - len(ahead)):
                ahead.append(pool.submit(self._window, start, first))
            if not ahead and not page.is_last:
                # Totals may be wrong, so that only an empty page is the end for sure.
                ahead.append(pool.submit(self._fetch_past, offset))
            yield page
            if not ahead:
                return
            following = ahead.popleft().result()
            if following is not None and not following.rows and ahead:
                # The collection is shorter than its total said; what is left is asked for once more.
                for future in ahead:
                    future.cancel()
                ahead.clear()
                starts = iter(())
                following = self._fetch_past(offset)
            if following is None or not following.rows or self._is_repeated(following, page, first):
                return
            page, offset = following, self._next_offset(offset, following)

    def _window_starts(self, first: Page, offset: int) -> Iterator[int]:
        """Where windows as wide as the first page begin, where they can be read side by side."""
        if self._can_be_read_in_parallel(first, offset) and first.total is not None:
            return iter(range(offset, first.total, first.distinct))
        return iter(())

    def _can_be_read_in_parallel(self, first: Page, offset: int) -> bool:
        return (
            first.total is not None
            and offset == first.distinct
            and offset < first.total
            and first.next_offset in (None, offset)
        )

    def _window(self, start: int, first: Page) -> Page:
        """As many rows from `start` as the first page had, in as many requests as the server needs for them."""
        width = first.distinct
        total = start + width if first.total is None else first.total
        page = self._fetch(start, width)
        tables = [page.table]
        reach = page.distinct
        while page.rows and reach < min(width, total - start):
            page = self._fetch(start + reach, width - reach)
            tables.append(page.table)
            reach += page.distinct
        return replace(page, table=pa.concat_tables(tables), asked=width)

    def _fetch_past(self, offset: int) -> Page | None:
        """The page at `offset`; None where the server refuses to look behind the end."""
        try:
            return self._fetch(offset, self._page_size)
        except RestError as error:
            at_end = self.latest_total is None or self.collected >= self.latest_total
            if error.status in {400, 404, 416} and at_end:
                return None
            raise

    def _fetch(self, offset: int, limit: int) -> Page:
        """One page. A server whose gateway loses patience is asked for less, down to a few rows."""
        while True:
            asked = min(limit, self._page_size)
            may_shrink = asked > _SMALLEST_PAGE
            try:
                answer = self._client.get(
                    self._resource.name,
                    self._params(asked, offset),
                    decode=self._converter.decode,
                    not_repeated=_PAGE_TOO_BIG if may_shrink else frozenset(),
                    repeat_timeouts=not may_shrink,
                )
            except RestError as error:
                if may_shrink and (error.status in _PAGE_TOO_BIG or error.timed_out):
                    with self._lock:
                        self._page_size = min(self._page_size, max(asked // 2, _SMALLEST_PAGE))
                    continue
                if error.status == 400 and offset == 0 and self._sorted:
                    self._sorted = False
                    continue
                raise
            return self._page(answer, asked, offset)

    def _params(self, limit: int, offset: int) -> dict[str, str | int]:
        params: dict[str, str | int] = {"limit": limit, "offset": offset}
        if self._sorted:
            # A stable order, so that rows do not move between pages.
            params |= {"sort": "sourcedId", "orderBy": "asc"}
        return params

    def _page(self, answer: Answer, asked: int, offset: int) -> Page:
        url = self._client.url(self._resource.name)
        try:
            batch = self._converter.page(answer.body)
        except EnvelopeError as error:
            raise ExtractError(
                f"{url}: the answer is no OneRoster collection: {error}. "
                "Check that connection.endpoint_url is a OneRoster 1.1 service."
            ) from None
        total = total_of(answer)
        links = _links(answer, url)
        page = Page(
            pa.Table.from_batches([batch]),
            asked,
            total,
            _offset_of(links.get("next")),
            # A full page is believed to be the last only by the empty one behind it: totals and links may be wrong.
            is_last="next" not in links and _offset_of(links.get("last")) == offset and batch.num_rows < asked,
        )
        with self._lock:
            self._pages += 1
            if total is not None:
                self.latest_total = total
            if self._pages > MAX_PAGES or self.collected > MAX_ROWS:
                raise ExtractError(
                    f"{url}: {self.collected:,} rows in {self._pages:,} pages and no end. "
                    "The service repeats itself; ask the SIS vendor to correct its paging."
                )
        return page

    def _next_offset(self, offset: int, page: Page) -> int:
        """Where the next page begins: behind the rows that came, never behind the limit that was asked for.

        A link to the next page may only make the step smaller: servers that count otherwise skip rows.
        """
        reached = offset + page.distinct
        if page.next_offset is not None and offset < page.next_offset < reached:
            return page.next_offset
        return reached

    def _is_repeated(self, page: Page, previous: Page, first: Page) -> bool:
        """Whether the server sends the same rows again: it ignores the offset, which is fine if that was all."""
        if not page.ids.equals(previous.ids) or page.ids.null_count == page.rows:
            return False
        total = self.latest_total
        if first.distinct > first.asked or (total is not None and first.distinct >= total):
            return True
        raise ExtractError(
            f"{self._client.url(self._resource.name)}: offset={self.collected} brings the rows of the page before; "
            "the service ignores the offset (paging.offset_ignored), so that the collection cannot be read whole. "
            "Raise connection.page_size above the number of rows, or ask the SIS vendor to correct its paging."
        )


def total_of(answer: Answer) -> int | None:
    """The collection's X-Total-Count, where it is sent and a number."""
    text = answer.headers.get("X-Total-Count", "").strip()
    return int(text) if re.fullmatch(r"\d{1,15}", text) else None


def _links(answer: Answer, url: str) -> dict[str, str]:
    """Link relations and their addresses; only numbers are taken from these, they are never followed."""
    header = answer.headers.get("Link")
    if not header:
        return {}
    found: dict[str, str] = {}
    for link in parse_header_links(header):
        if "rel" in link:
            found.setdefault(link["rel"].lower(), urljoin(url, link["url"]))
    return found


def _offset_of(url: str | None) -> int | None:
    if url is None:
        return None
    text = parse_qs(urlsplit(url).query).get("offset", [""])[0]
    return int(text) if re.fullmatch(r"\d{1,15}", text) else None

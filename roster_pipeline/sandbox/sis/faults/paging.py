"""Faults of pages, their counts and links, and of queries."""
# ruff: noqa: ARG002 - every fault is handed the same, whatever of it it needs

from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from roster_pipeline.sandbox.sis.answers import bad_request, unknown_object
from roster_pipeline.sandbox.sis.faults.base import Call, Fault
from roster_pipeline.sandbox.sis.page import Page
from roster_pipeline.sandbox.sis.query import Query, link


@dataclass(eq=False)
class LimitCap(Fault):
    """A page never has more rows than the server likes, whatever the limit asked for."""

    limit: int = 500

    def change_query(self, call: Call) -> Query:
        return replace(call.query, limit=min(call.query.limit, self.limit))


class LimitIgnored(Fault):
    """Every page has all rows from the offset on, whatever the limit asked for."""

    def change_query(self, call: Call) -> Query:
        return replace(call.query, limit=1_000_000_000)


class OffsetIgnored(Fault):
    """Every page is the first."""

    def change_query(self, call: Call) -> Query:
        return replace(call.query, offset=0)


class NoTotal(Fault):
    """There is no X-Total-Count."""

    def change_page(self, call: Call, page: Page) -> None:
        page.total = None


class NoLinks(Fault):
    """There is no Link header."""

    def change_page(self, call: Call, page: Page) -> None:
        page.links = []


@dataclass(eq=False)
class WrongTotal(Fault):
    """X-Total-Count is off by `difference` rows."""

    difference: int = 10

    def change_page(self, call: Call, page: Page) -> None:
        if page.total is not None:
            page.total = max(page.total + self.difference, 0)


class NextLinkOffByOne(Fault):
    """The last page names a next one, which is empty."""

    def change_page(self, call: Call, page: Page) -> None:
        end = call.query.offset + len(page.rows)
        if page.rows and "next" not in dict(page.links):
            page.links.append(("next", link(call.url, call.request.url.query, call.query, end)))


@dataclass(eq=False)
class NextLinkToOtherHost(Fault):
    """The link to the next page leads to another server."""

    host: str = "http://127.0.0.1:9"
    """Scheme, host and port."""

    def change_page(self, call: Call, page: Page) -> None:
        page.links = [(relation, self._elsewhere(url) if relation == "next" else url) for relation, url in page.links]

    def _elsewhere(self, url: str) -> str:
        parts = urlsplit(url)
        return f"{self.host}{parts.path}?{parts.query}"


class LastRowTwice(Fault):
    """The last row of a page stands there twice."""

    def change_page(self, call: Call, page: Page) -> None:
        page.rows += page.rows[-1:]


class NullCollections(Fault):
    """A collection without rows is null."""

    def change_page(self, call: Call, page: Page) -> None:
        page.null_when_empty = True


class BareArray(Fault):
    """A page is the array alone, without an object around it."""

    def change_page(self, call: Call, page: Page) -> None:
        page.envelope = None


class EnvelopeByPath(Fault):
    """The array stands under the last name of the path: `students`, `schools`, `terms`."""

    def change_page(self, call: Call, page: Page) -> None:
        page.envelope = call.collection


class NotFoundWhenEmpty(Fault):
    """A collection without any row is answered with 404."""

    def change_page(self, call: Call, page: Page) -> None:
        if page.total == 0:
            raise unknown_object("nothing found")


class FilterUnsupported(Fault):
    """A filter is refused with 400."""

    def change_query(self, call: Call) -> Query:
        if call.query.filter:
            raise bad_request("filters are not supported", "invalid_filter_field")
        return call.query


class FilterIgnored(Fault):
    """A filter is passed over in silence."""

    def change_query(self, call: Call) -> Query:
        return replace(call.query, filter=None)


class SortUnsupported(Fault):
    """A sort is refused with 400."""

    def change_query(self, call: Call) -> Query:
        if call.query.sort:
            raise bad_request("sorting is not supported", "invalid_sort_field")
        return call.query


class SortIgnored(Fault):
    """A sort is passed over in silence."""

    def change_query(self, call: Call) -> Query:
        return replace(call.query, sort=None)


class FieldsIgnored(Fault):
    """A selection of fields is passed over in silence."""

    def change_query(self, call: Call) -> Query:
        return replace(call.query, fields=None)

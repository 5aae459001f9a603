"""The query of a collection: limit, offset, sort, orderBy, filter, fields.

Source: OneRoster 1.1 REST binding, section 3.4.
"""

from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qsl, quote, urlencode

from roster_pipeline.sandbox.sis.answers import bad_request

DEFAULT_LIMIT = 100


@dataclass(frozen=True)
class Query:
    """What of a collection is asked for."""

    limit: int = DEFAULT_LIMIT
    offset: int = 0
    sort: str | None = None
    order: Literal["asc", "desc"] = "asc"
    filter: str | None = None
    fields: tuple[str, ...] | None = None


def parse_query(text: str) -> Query:
    """Read a query string. Raises RefusedError (400) where the standard has it refused."""
    given = dict(parse_qsl(text, keep_blank_values=True))
    fields = given.get("fields")
    if fields is not None and not fields.strip():
        raise bad_request("fields is blank", "invalid_blank_selection_field")
    order = given.get("orderBy", "asc").lower()
    if order not in ("asc", "desc"):
        raise bad_request(f"orderBy={order} is neither asc nor desc")
    return Query(
        limit=_number(given, "limit", DEFAULT_LIMIT, 1),
        offset=_number(given, "offset", 0, 0),
        sort=given.get("sort") or None,
        order=order,  # type: ignore[arg-type]  # mypy does not narrow by `in`
        filter=given.get("filter") or None,
        fields=tuple(name.strip() for name in fields.split(",")) if fields else None,
    )


def links(url: str, query_string: str, page: Query, total: int) -> list[tuple[str, str]]:
    """The relations of a page and their URLs: the same query at another offset. Source: RFC 8288."""
    last = max(total - 1, 0) // page.limit * page.limit
    offsets = {"first": 0, "last": last}
    if page.offset + page.limit < total:
        offsets["next"] = page.offset + page.limit
    if page.offset > 0:
        offsets["prev"] = max(page.offset - page.limit, 0)
    return [(relation, link(url, query_string, page, offset)) for relation, offset in offsets.items()]


def link(url: str, query_string: str, page: Query, offset: int) -> str:
    """The URL of the page that begins at `offset`. `url` is percent-encoded and without a query."""
    kept = [pair for pair in parse_qsl(query_string, keep_blank_values=True) if pair[0] not in ("limit", "offset")]
    return f"{url}?{urlencode([*kept, ('limit', page.limit), ('offset', offset)], quote_via=quote)}"


def _number(given: dict[str, str], name: str, default: int, least: int) -> int:
    text = given.get(name, "")
    if text == "":
        return default
    if not (text.isascii() and text.isdigit()) or int(text) < least:
        raise bad_request(f"{name}={text} is no number of {least} or more")
    return int(text)

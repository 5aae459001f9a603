"""The ways in which Brightspace's API pages, each as one stream of items.

Source: D2L's API reference (Api.PagedResultSet, Api.ObjectListPage, data export); plain arrays need nothing.
"""

from collections.abc import Iterator
from typing import Any

from roster_pipeline.brightspace.connection import ApiConnection, Component


def paged_result_set(
    connection: ApiConnection, component: Component, path: str, **query: str | int | None
) -> Iterator[Any]:
    """Items of a PagedResultSet. The last page has a bookmark too: only HasMoreItems tells whether there is more."""
    bookmark: str | None = None
    while True:
        page = connection.get(component, path, **query, bookmark=bookmark)
        yield from page["Items"]
        if not page["PagingInfo"]["HasMoreItems"]:
            return
        bookmark = page["PagingInfo"]["Bookmark"]


def object_list(connection: ApiConnection, component: Component, path: str, **query: str | int | None) -> Iterator[Any]:
    """Items of an ObjectListPage, whose `Next` is the address of the page after it, or null."""
    page = connection.get(component, path, **query)
    while True:
        yield from page["Objects"]
        if not page["Next"]:
            return
        page = connection.get_url(page["Next"])


def data_set_list(connection: ApiConnection, path: str, **query: str | int | None) -> Iterator[Any]:
    """Items of the older list of data sets, which has names of its own for both."""
    page = connection.get("lp", path, **query)
    while True:
        yield from page["BrightspaceDataSets"]
        if not page["NextPageUrl"]:
            return
        page = connection.get_url(page["NextPageUrl"])

"""Properties of reading one CSV file: whatever its values, every line of it is accounted for."""

import csv
import io
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roster_pipeline.oneroster.csv_file import CsvResult, csv_to_parquet
from roster_pipeline.oneroster.resources import ORGS, USERS, Resource

HEADER = [field.name for field in ORGS.fields]

#: Text without line ends, which OneRoster forbids, and without what no encoding can carry.
text = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters='",;\t'), max_size=20)
#: Text without what separates and surrounds items.
item = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs"], exclude_characters=",{}"), min_size=1, max_size=8)


Read = Callable[[Resource, bytes], tuple[CsvResult, list[dict[str, Any]]]]


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Read]:
    """Reads the bytes of a file."""
    target = tmp_path_factory.mktemp("csv") / "rows.parquet"
    with duckdb.connect() as database:

        def read(resource: Resource, content: bytes) -> tuple[CsvResult, list[dict[str, Any]]]:
            result = csv_to_parquet(database, resource, io.BytesIO(content), "rows.csv", target, lambda _: None)
            return result, pq.read_table(target).to_pylist()

        yield read


def written(rows: list[list[str]], line_end: str = "\r\n") -> bytes:
    file = io.StringIO()
    csv.writer(file, lineterminator=line_end).writerows(rows)
    return file.getvalue().encode()


@given(
    st.lists(st.lists(text, min_size=len(HEADER), max_size=len(HEADER)), max_size=8), st.sampled_from(["\n", "\r\n"])
)
def test_every_value_comes_out_as_it_went_in(read: Read, rows: list[list[str]], line_end: str) -> None:
    result, read_rows = read(ORGS, written([HEADER, *rows], line_end))
    assert result.complete
    assert [[row[name] or "" for name in HEADER] for row in read_rows] == rows
    assert [row["position"] for row in read_rows] == list(range(1, len(rows) + 1))


@settings(max_examples=50, deadline=None)
@given(st.lists(item, max_size=4), st.lists(st.tuples(item, item), max_size=3), st.sampled_from(["", " ", "  "]))
def test_every_list_comes_out_as_it_went_in(
    read: Read, orgs: list[str], user_ids: list[tuple[str, str]], blank: str
) -> None:
    header = [field.name for field in USERS.fields]
    row = dict.fromkeys(header, "")
    row["orgSourcedIds"] = f"{blank},{blank}".join(orgs)
    row["userIds"] = f"{blank},{blank}".join(f"{{{kind}:{identifier}}}" for kind, identifier in user_ids)
    row["sourcedId"] = "u-1"
    _, rows = read(USERS, written([header, list(row.values())]))
    assert rows[0]["orgSourcedIds"] == orgs
    assert rows[0]["userIds"] == [f"{kind}:{identifier}" for kind, identifier in user_ids]


#: A good row, one with too few cells, one with too many, a blank line, and one whose quoted value has a line break.
_LINES = {
    "good": b"g,,,n,school,,\r\n",
    "short": b"s,,\r\n",
    "long": b"l,,,n,school,,,x,y\r\n",
    "blank": b"\r\n",
    "broken": b'b,,,"n\r\nm",school,,\r\n',
}


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from(list(_LINES)), max_size=30))
def test_every_line_is_accounted_for(read: Read, kinds: list[str]) -> None:
    content = ",".join(HEADER).encode() + b"\r\n" + b"".join(_LINES[kind] for kind in kinds)
    result, rows = read(ORGS, content)
    assert [row["sourcedId"] for row in rows] == [kind[0] for kind in kinds if kind in {"good", "broken"}]
    counted = {
        code: len(list(group)) for code, group in itertools.groupby(sorted(each.code for each in result.findings))
    }
    counted.pop("container.empty", None)
    expected = {"row.ragged": kinds.count("short") + kinds.count("long"), "row.line_break": kinds.count("broken")}
    assert counted == {code: count for code, count in expected.items() if count}
    assert result.complete == (not any(expected.values()))


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 40), st.integers(0, 3))
def test_line_ends_may_be_cut_by_blocks(read: Read, rows: int, shift: int) -> None:
    """A CRLF whose CR is a block's last byte is one line end all the same."""
    block = 1024**2
    filler = b"x" * (block - len(HEADER) - 200)
    header = ",".join([*HEADER, "metadata.filler"]).encode()
    first = b"a,,,n,school,,," + filler
    padding = b"y" * (block - len(header) - 2 - len(first) - 1 - shift)
    content = header + b"\r\n" + first + padding + b"\r\n" + b"g,,,n,school,,,z\r\n" * rows
    result, read_rows = read(ORGS, content)
    assert result.complete
    assert result.findings == []
    assert len(read_rows) == rows + 1

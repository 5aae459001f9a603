"""One CSV file of a package into raw Parquet: DuckDB reads it from a pipe, so that nothing is unpacked to disk.

The pipe is where bytes are checked on their way: line ends become LF, and lines are counted, so that afterwards
every line of the file is accounted for as a row, a rejected row, or a line break inside a value.
"""

import csv
import os
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import duckdb

from roster_pipeline.oneroster.archive import BROKEN_ENTRY
from roster_pipeline.oneroster.csv_header import Header, check_encoding, not_utf8, read_header
from roster_pipeline.oneroster.extract import ExtractError, Finding
from roster_pipeline.oneroster.findings import finding
from roster_pipeline.oneroster.raw_parquet import becoming
from roster_pipeline.oneroster.resources import Field, Resource
from roster_pipeline.oneroster.sql_files import escaped, statement

_BLOCK_BYTES = 1024**2
#: A header is a few hundred bytes; a file whose first line is longer is something else.
_MAX_HEADER_BYTES = 256 * 1024
#: A file with more faults than this, one for each cell too few or too many, is not the CSV it claims to be.
MAX_FAULTS = 20_000
#: An open quote that swallows more lines than this is a broken file, not a broken row.
MAX_SWALLOWED_LINES = 100

_BLANK_LINE = re.compile(rb"\n(?=\n)")


@dataclass
class CsvResult:
    """What came out of one CSV file."""

    rows: int
    complete: bool
    """Whether every line of the file became a row."""
    findings: list[Finding] = field(default_factory=list)


def csv_to_parquet(
    database: duckdb.DuckDBPyConnection,
    resource: Resource,
    source: IO[bytes],
    place: str,
    target: Path,
    progress: Callable[[int], None],
) -> CsvResult:
    """Read the CSV file `source` of `resource` into the Parquet file `target`.

    `place` is what messages call the file; `progress` is called with the number of lines read so far.
    Raises ExtractError when the file is not OneRoster 1.1 CSV in UTF-8; `target` does not exist then.
    """
    feed = _Feed(source, place, progress)
    header = read_header(resource, place, feed.header_line())
    findings = header.findings
    with becoming(target) as partial, database.cursor() as cursor:
        rejects = f"rejects_{resource.table}"
        rows = feed.run(lambda pipe: _copy(cursor, _statement(resource, header, pipe, partial, rejects)), place)
        rejected = _rejected(cursor, resource, header, place, rejects)
        findings += rejected.findings
        unread = feed.lines - feed.blank_lines - rows - rejected.lines
        if unread > 0:
            findings += _line_breaks(cursor, resource, partial)
    if feed.bare_carriage_returns:
        findings.append(finding("container.line_ends", resource.singular, detail=f"{resource.name}.csv"))
    if rows == 0 and not rejected.lines:
        findings.append(finding("container.empty", resource.singular, detail=f"{resource.name}.csv"))
    return CsvResult(rows, complete=unread <= 0 and not rejected.lines, findings=findings)


def read_csv_header(resource: Resource, source: IO[bytes], place: str) -> Header:
    """The meaning of the columns of the CSV file `source`. Raises ExtractError when it is not the resource's."""
    return read_header(resource, place, _Feed(source, place, lambda _: None).header_line())


class _Feed:
    """Bytes on their way from a file into a pipe."""

    def __init__(self, source: IO[bytes], place: str, progress: Callable[[int], None]) -> None:
        self.lines = 0
        self.blank_lines = 0
        self.bare_carriage_returns = False
        self._source = source
        self._place = place
        self._progress = progress
        self._pending_return = False
        self._last = b"\n"
        self._beginning = b""
        self._failure: ExtractError | None = None

    def header_line(self) -> bytes:
        """The first line that is not blank, without its end."""
        beginning = check_encoding(self._place, self._read())
        while True:
            beginning = beginning.lstrip(b"\n")
            line, end, rest = beginning.partition(b"\n")
            if end or len(beginning) > _MAX_HEADER_BYTES:
                break
            block = self._read()
            if not block:
                break
            beginning += block
        self._beginning = rest
        return line[:_MAX_HEADER_BYTES]

    def run(self, consume: Callable[[str], int], place: str) -> int:
        """Feed the rest of the file to `consume`, which is given a path to read it from and answers with its rows."""
        reading, writing = os.pipe()
        feeder = threading.Thread(target=self._feed, args=(writing,), name=f"read {place}", daemon=True)
        feeder.start()
        try:
            rows = consume(f"/dev/fd/{reading}")
        except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
            raise ExtractError(
                f"{place}: cannot be turned into Parquet ({_first_line(error)}). Check the space and the rights of the "
                "folder of extracts."
            ) from None
        except duckdb.Error as error:
            raise ExtractError(f"{place}: cannot be read as CSV ({_first_line(error)}). Send the file again.") from None
        finally:
            # A feeder that nobody reads from any more gets an error instead of waiting for ever.
            os.close(reading)
            feeder.join()
        if self._failure is not None:
            raise self._failure
        return rows

    def _feed(self, writing: int) -> None:
        try:
            with open(writing, "wb", buffering=0) as pipe:
                block = self._beginning
                self._beginning = b""
                while True:
                    self._count(block)
                    _write_all(pipe, block)
                    block = self._read()
                    if not block:
                        break
                if self._last != b"\n":
                    self._count(b"\n")
                    _write_all(pipe, b"\n")
        except BrokenPipeError:
            # The reader stopped first; its own error says why.
            return
        except ExtractError as error:
            self._failure = error

    def _count(self, block: bytes) -> None:
        if not block:
            return
        self.lines += block.count(b"\n")
        if self._last == b"\n" and block.startswith(b"\n"):
            self.blank_lines += 1
        if b"\n\n" in block:
            self.blank_lines += len(_BLANK_LINE.findall(block))
        self._last = block[-1:]
        self._progress(self.lines)

    def _read(self) -> bytes:
        """The next bytes, with LF for every line end; empty at the end of the file."""
        while True:
            try:
                block = self._source.read(_BLOCK_BYTES)
            except BROKEN_ENTRY as error:
                raise ExtractError(f"{self._place}: is cut off or damaged ({error}). Send the package again.") from None
            at_end = not block
            if self._pending_return:
                block = b"\r" + block
                self._pending_return = False
            if block.endswith(b"\r") and not at_end:
                # Whether an LF follows is seen with the next block.
                block = block[:-1]
                self._pending_return = True
            if b"\r" in block:
                block = block.replace(b"\r\n", b"\n")
                if b"\r" in block:
                    self.bare_carriage_returns = True
                    block = block.replace(b"\r", b"\n")
            if block or at_end:
                return block


def _write_all(pipe: IO[bytes], block: bytes) -> None:
    view = memoryview(block)
    while view:
        view = view[pipe.write(view) :]


def _copy(cursor: duckdb.DuckDBPyConnection, statement: str) -> int:
    return int(cursor.execute(statement).fetchall()[0][0])


@dataclass
class _Rejected:
    lines: int = 0
    findings: list[Finding] = field(default_factory=list)


def _rejected(
    cursor: duckdb.DuckDBPyConnection, resource: Resource, header: Header, place: str, table: str
) -> _Rejected:
    found = cursor.execute(
        f"SELECT line, max(column_idx), list(DISTINCT error_type::varchar), any_value(csv_line), count(*) "
        f"FROM {table} GROUP BY line ORDER BY line"
    ).fetchall()
    if sum(row[4] for row in found) >= MAX_FAULTS:
        raise ExtractError(
            f"{place}: {len(found):,} rows or more do not fit the header of {header.width} columns. "
            "Have the SIS export the file anew, with values that hold commas or quotes in quotes."
        )
    result = _Rejected()
    for data_line, cells, kinds, csv_line, _ in found:
        line = data_line + 1
        text = (csv_line or "").strip("\n")
        lines = text.count("\n") + 1
        if "INVALID ENCODING" in kinds:
            raise not_utf8(place, line)
        if lines > MAX_SWALLOWED_LINES:
            raise ExtractError(
                f"{place}: a quote opened on line {line} is never closed; {lines:,} lines vanish behind it. "
                "Have the SIS double quotes inside values, or send the file again if it was cut off."
            )
        result.lines += lines
        sourced_id = _sourced_id(text, header)
        if "LINE SIZE OVER MAXIMUM" in kinds:
            result.findings.append(finding("row.too_long", resource.singular, sourced_id, f"line {line}"))
        elif lines > 1 or "UNQUOTED VALUE" in kinds:
            swallowed = f"line {line}" if lines == 1 else f"lines {line} to {line + lines - 1}"
            result.findings.append(finding("row.quoting", resource.singular, sourced_id, swallowed))
        else:
            detail = f"line {line}: column {cells} of {header.width}"
            result.findings.append(finding("row.ragged", resource.singular, sourced_id, detail))
    return result


def _sourced_id(text: str, header: Header) -> str | None:
    """The row's id, when it stands before anything can have gone wrong: in the first cell."""
    if header.fields["sourcedId"] != 0:
        return None
    cells = next(csv.reader([text.split("\n", 1)[0]]), [])
    return cells[0] if cells and cells[0] else None


def _line_breaks(cursor: duckdb.DuckDBPyConnection, resource: Resource, written: Path) -> list[Finding]:
    texts = [f'contains("{each.name}", chr(10))' for each in resource.fields if not each.is_list]
    lists = [f"contains(array_to_string(\"{each.name}\", ','), chr(10))" for each in resource.fields if each.is_list]
    found = cursor.execute(
        f"SELECT sourcedId, position FROM read_parquet('{escaped(str(written))}') "
        f"WHERE {' OR '.join([*texts, *lists, 'contains(metadata, chr(92) || chr(110))'])} ORDER BY position LIMIT 1000"
    ).fetchall()
    return [
        finding("row.line_break", resource.singular, sourced_id, f"row {position}") for sourced_id, position in found
    ]


def _statement(resource: Resource, header: Header, pipe: str, target: Path, rejects: str) -> str:
    return statement(
        "read_csv",
        columns=",\n        ".join(f'{_expression(each, header)} AS "{each.name}"' for each in resource.fields),
        metadata=_metadata(header),
        cells=", ".join(f"'{_cell(index)}': 'VARCHAR'" for index in range(header.width)),
        source=pipe,
        target=target,
        rejects=rejects,
        rejects_limit=MAX_FAULTS,
    )


def _expression(each: Field, header: Header) -> str:
    index = header.fields.get(each.name)
    if not each.is_list:
        return "NULL::VARCHAR" if index is None else _cell(index)
    if index is None:
        return "[]::VARCHAR[]"
    # userIds are written {type:id}; the braces are punctuation.
    edges = "' \t\n{}'" if each.kind == "typed_ids" else "' \t\n'"
    cell = _cell(index)
    return (
        f"CASE WHEN {cell} IS NULL THEN [] "
        f"WHEN contains({cell}, ',') "
        f"THEN list_filter(list_transform(string_split({cell}, ','), lambda item: trim(item, {edges})), "
        f"lambda item: item <> '') "
        f"ELSE list_filter([trim({cell}, {edges})], lambda item: item <> '') END"
    )


def _metadata(header: Header) -> str:
    if not header.extensions:
        return "NULL::VARCHAR"
    pairs = ", ".join(f"'{escaped(key)}', {_cell(index)}" for key, index in header.extensions.items())
    # Merging drops the keys that have no value.
    return f"nullif(json_merge_patch('{{}}', json_object({pairs}))::VARCHAR, '{{}}')"


def _cell(index: int) -> str:
    return f"c{index}"


def _first_line(error: Exception) -> str:
    return str(error).split("\n", 1)[0]

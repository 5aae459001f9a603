"""The first line of a CSV file: which column holds which field. Columns are found by name, never by place."""

import csv
import re
from dataclasses import dataclass, field

from roster_pipeline.oneroster.extract import ExtractError, Finding
from roster_pipeline.oneroster.findings import finding
from roster_pipeline.oneroster.resources import Resource, is_password

_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_UTF8_MARK = b"\xef\xbb\xbf"
_EXTENSION = "metadata."
#: White space, and characters that nobody sees: zero-width blanks and joiners, byte-order marks, no-break blanks.
_INVISIBLE = re.compile("[\\s\u00a0\u00ad\u200b-\u200f\u2060\ufeff]+")
#: Columns that only OneRoster 1.2 has.
_ONLY_IN_1_2 = frozenset({"usermasteridentifier", "primaryorgsourcedid", "preferredgivenname", "pronouns"})


@dataclass
class Header:
    """Where in a row the fields are. Columns that appear in neither mapping are dropped."""

    width: int
    """Cells in a row."""
    fields: dict[str, int] = field(default_factory=dict)
    """Field name to column, from 0."""
    extensions: dict[str, int] = field(default_factory=dict)
    """Metadata key to column, from 0."""
    findings: list[Finding] = field(default_factory=list)


def check_encoding(place: str, beginning: bytes) -> bytes:
    """`beginning` without its UTF-8 byte-order mark. Raises ExtractError when it is no UTF-8 text."""
    if beginning.startswith(_UTF16_MARKS) or b"\0" in beginning:
        raise ExtractError(f"{place}: is written in UTF-16, not in UTF-8. Have the SIS export UTF-8 files.")
    return beginning.removeprefix(_UTF8_MARK)


def not_utf8(place: str, line: int) -> ExtractError:
    """What to say of a file in another 8-bit encoding."""
    return ExtractError(
        f"{place}: line {line} is not written in UTF-8, probably in Windows-1252. Have the SIS export UTF-8 files."
    )


def read_header(resource: Resource, place: str, line: bytes) -> Header:
    """The meaning of the header `line`, without its line end. Raises ExtractError when it is not the resource's."""
    try:
        text = line.decode()
    except UnicodeDecodeError:
        raise not_utf8(place, 1) from None
    written = next(csv.reader([text]), [])
    _check_separator(place, text, written)
    names = [_INVISIBLE.sub("", name) for name in written]
    known = _known_names(resource)
    header = Header(width=len(names))
    order: list[str] = []
    for index, name in enumerate(names):
        known_name = known.get(name.lower())
        if known_name is not None:
            _take_field(resource, place, header, written[index], known_name, index)
            order.append(known_name)
        elif is_password(name):
            if name.lower() != "password":
                # The standard has a password column; dropping that one is nothing to report.
                header.findings.append(finding("container.password_dropped", resource.singular, detail=name))
        elif name:
            _take_extension(resource, place, header, name, index)
    _check_complete(resource, place, header, names)
    if order != [each.name for each in resource.fields if each.name in header.fields]:
        header.findings.append(finding("container.header_order", resource.singular, detail=f"{resource.name}.csv"))
    return header


def _known_names(resource: Resource) -> dict[str, str]:
    known = {alias.lower(): each.name for each in resource.fields for alias in each.aliases}
    return known | {each.name.lower(): each.name for each in resource.fields}


def _take_field(resource: Resource, place: str, header: Header, written: str, name: str, index: int) -> None:
    if name in header.fields:
        raise ExtractError(
            f"{place}: the header names {name} twice, in columns {header.fields[name] + 1} and {index + 1}. "
            "Have the SIS write each column once."
        )
    header.fields[name] = index
    if written == name:
        return
    code = "container.header_case" if _INVISIBLE.sub("", written).lower() == name.lower() else "container.header_alias"
    header.findings.append(finding(code, resource.singular, detail=f"{written!r}, read as {name}"))


def _take_extension(resource: Resource, place: str, header: Header, name: str, index: int) -> None:
    if name.lower().startswith(_EXTENSION):
        key = name[len(_EXTENSION) :]
    else:
        key = name
        header.findings.append(finding("container.unknown_column", resource.singular, detail=name))
    if key in header.extensions:
        raise ExtractError(
            f"{place}: the header names {name} twice, in columns {header.extensions[key] + 1} and {index + 1}. "
            "Have the SIS write each column once."
        )
    header.extensions[key] = index


def _check_separator(place: str, text: str, written: list[str]) -> None:
    if len(written) > 1:
        return
    for separator, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
        if separator in text:
            raise ExtractError(
                f"{place}: the header's columns are separated by {name}. "
                "Have the SIS export files separated by commas, as OneRoster demands."
            )


def _check_complete(resource: Resource, place: str, header: Header, names: list[str]) -> None:
    newer = _ONLY_IN_1_2 & {name.lower() for name in names}
    if newer:
        raise ExtractError(
            f"{place}: column {min(newer)} is one of OneRoster 1.2, which is not supported. "
            "Have the SIS export OneRoster 1.1 CSV instead."
        )
    missing = [each.name for each in resource.fields if each.required and each.name not in header.fields]
    if missing:
        shown = ", ".join(names[:20]) or "nothing"
        raise ExtractError(
            f"{place}: the header lacks {', '.join(missing)} (it has: {shown}). "
            "Have the SIS write the header of OneRoster 1.1 as the first line."
        )

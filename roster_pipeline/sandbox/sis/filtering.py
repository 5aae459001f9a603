"""Filters of collections: `familyName~'son' AND role='student'`.

One or two terms joined by ` AND ` or ` OR `, each a field, an operator and a value in single quotes; text is compared
without regard to case. Source: OneRoster 1.1 REST binding, section 3.4.3. The standard leaves open how a quote is
written inside a value; here it is doubled.
"""

import operator
import re
from collections.abc import Callable
from typing import Any

from roster_pipeline.sandbox.objects import OneRosterObject
from roster_pipeline.sandbox.sis.answers import bad_request
from roster_pipeline.sandbox.sis.fields import getter

Predicate = Callable[[OneRosterObject], bool]

_TERM = r"([A-Za-z][\w.\-]*)(!=|>=|<=|=|>|<|~)'((?:[^']|'')*)'"
_FILTER = re.compile(rf"{_TERM}(?: (AND|OR) {_TERM})?")
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "~": lambda value, part: part in value,
}


def parse_filter(text: str, kind: type[OneRosterObject]) -> Predicate:
    """The predicate a filter stands for. Raises RefusedError (400) for a filter or field there is not."""
    match = _FILTER.fullmatch(text)
    if match is None:
        raise bad_request("the filter is not of the form field='value'", "invalid_filter_field")
    first = _term(kind, *match.group(1, 2, 3))
    if match[4] is None:
        return first
    second = _term(kind, *match.group(5, 6, 7))
    if match[4] == "AND":
        return lambda item: first(item) and second(item)
    return lambda item: first(item) or second(item)


def _term(kind: type[OneRosterObject], field: str, symbol: str, quoted: str) -> Predicate:
    read = getter(kind, field)
    if read is None:
        raise bad_request(f"{field} is no field to filter by", "invalid_filter_field")
    wanted = quoted.replace("''", "'").casefold()
    if symbol == "!=":
        return lambda item: not any(_holds("=", value, wanted) for value in read(item))
    return lambda item: any(_holds(symbol, value, wanted) for value in read(item))


def _holds(symbol: str, value: Any, wanted: str) -> bool:
    compare = _COMPARISONS[symbol]
    if isinstance(value, float) and symbol != "~":
        try:
            return compare(value, float(wanted))
        except ValueError:
            return False
    text = str(value).casefold()
    return compare(text, wanted)

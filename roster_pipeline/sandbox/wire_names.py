"""From the field names of `objects` to those of the two bindings."""

import re


def camel_case(name: str) -> str:
    """A column of the CSV binding: `org_sourced_ids` is `orgSourcedIds`."""
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), name)


def json_key(name: str) -> str:
    """A key of the REST binding: `class_sourced_id` is `class`, `org_sourced_ids` is `orgs`."""
    return re.sub("SourcedId(s?)$", r"\1", camel_case(name))

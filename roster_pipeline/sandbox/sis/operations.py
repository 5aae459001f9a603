"""The calls a OneRoster 1.1 service answers, each with its path, its answer's envelope and the scope it needs.

Source: OneRoster 1.1 REST binding, tables 3.1a (rostering), 3.1b (resources) and 3.1c (gradebook); scopes from its
section on security. `GET /classes/{id}/categories` stands outside of the tables and is what Skyward and others offer.
"""

from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

SCOPE_PREFIX = "https://purl.imsglobal.org/spec/or/v1p1/scope/"

CORE = "roster-core.readonly"
ROSTER = "roster.readonly"
DEMOGRAPHICS = "roster-demographics.readonly"
RESOURCES = "resource.readonly"
GRADEBOOK = "gradebook.readonly"
CREATE_PUT = "gradebook.createput"
DELETE = "gradebook.delete"
SCOPES = (CORE, ROSTER, DEMOGRAPHICS, RESOURCES, GRADEBOOK, CREATE_PUT, DELETE)

Method = Literal["GET", "PUT", "DELETE"]


@dataclass(frozen=True)
class Operation:
    """One call. `{id}` in `path` stands for a sourcedId."""

    method: Method
    path: str
    envelope: str
    """The key under which the object or the objects stand in the JSON document."""
    scope: str
    collection: bool

    @property
    def segments(self) -> tuple[str, ...]:
        return tuple(self.path.split("/"))


#: Top-level collection -> envelope of the collection, envelope of one object, scope.
_TOP_LEVEL = {
    "academicSessions": ("academicSessions", "academicSession", CORE),
    "classes": ("classes", "class", CORE),
    "courses": ("courses", "course", CORE),
    "gradingPeriods": ("academicSessions", "academicSession", CORE),
    "demographics": ("demographics", "demographics", DEMOGRAPHICS),
    "enrollments": ("enrollments", "enrollment", CORE),
    "orgs": ("orgs", "org", CORE),
    "schools": ("orgs", "org", CORE),
    "students": ("users", "user", CORE),
    "teachers": ("users", "user", CORE),
    "terms": ("academicSessions", "academicSession", CORE),
    "users": ("users", "user", CORE),
    "resources": ("resources", "resource", RESOURCES),
    "categories": ("categories", "category", GRADEBOOK),
    "lineItems": ("lineItems", "lineItem", GRADEBOOK),
    "results": ("results", "result", GRADEBOOK),
}
#: Collections below an object -> envelope, scope.
_NESTED = {
    "schools/{id}/courses": ("courses", ROSTER),
    "schools/{id}/classes/{id}/enrollments": ("enrollments", ROSTER),
    "schools/{id}/classes/{id}/students": ("users", ROSTER),
    "schools/{id}/classes/{id}/teachers": ("users", ROSTER),
    "schools/{id}/enrollments": ("enrollments", ROSTER),
    "schools/{id}/students": ("users", ROSTER),
    "schools/{id}/teachers": ("users", ROSTER),
    "schools/{id}/terms": ("academicSessions", ROSTER),
    "schools/{id}/classes": ("classes", ROSTER),
    "terms/{id}/classes": ("classes", ROSTER),
    "terms/{id}/gradingPeriods": ("academicSessions", ROSTER),
    "courses/{id}/classes": ("classes", ROSTER),
    "students/{id}/classes": ("classes", ROSTER),
    "teachers/{id}/classes": ("classes", ROSTER),
    "users/{id}/classes": ("classes", ROSTER),
    "classes/{id}/students": ("users", ROSTER),
    "classes/{id}/teachers": ("users", ROSTER),
    "courses/{id}/resources": ("resources", RESOURCES),
    "classes/{id}/resources": ("resources", RESOURCES),
    "classes/{id}/results": ("results", GRADEBOOK),
    "classes/{id}/lineItems": ("lineItems", GRADEBOOK),
    "classes/{id}/lineItems/{id}/results": ("results", GRADEBOOK),
    "classes/{id}/students/{id}/results": ("results", GRADEBOOK),
    "classes/{id}/categories": ("categories", GRADEBOOK),
}
_WRITABLE = {"categories": "category", "lineItems": "lineItem", "results": "result"}

OPERATIONS = (
    *(Operation("GET", path, plural, scope, collection=True) for path, (plural, _, scope) in _TOP_LEVEL.items()),
    *(
        Operation("GET", f"{path}/{{id}}", singular, scope, collection=False)
        for path, (_, singular, scope) in _TOP_LEVEL.items()
    ),
    *(Operation("GET", path, envelope, scope, collection=True) for path, (envelope, scope) in _NESTED.items()),
    *(
        Operation("PUT", f"{path}/{{id}}", singular, CREATE_PUT, collection=False)
        for path, singular in _WRITABLE.items()
    ),
    *(
        Operation("DELETE", f"{path}/{{id}}", singular, DELETE, collection=False)
        for path, singular in _WRITABLE.items()
    ),
)
_BY_LENGTH: dict[int, list[Operation]] = {}
for _operation in OPERATIONS:
    _BY_LENGTH.setdefault(len(_operation.segments), []).append(_operation)


def find_operations(path: str) -> tuple[dict[str, Operation], tuple[str, ...]]:
    """The operations on a percent-encoded path below the version segment, by method, and the sourcedIds in the path.

    A sourcedId may hold an encoded slash, so that the path is taken apart before it is decoded.
    """
    segments = path.split("/")
    found: dict[str, Operation] = {}
    ids: tuple[str, ...] = ()
    for operation in _BY_LENGTH.get(len(segments), []):
        pairs = list(zip(operation.segments, segments, strict=True))
        if all(given != "" if expected == "{id}" else given == expected for expected, given in pairs):
            found[operation.method] = operation
            ids = tuple(unquote(given) for expected, given in pairs if expected == "{id}")
    return found, ids

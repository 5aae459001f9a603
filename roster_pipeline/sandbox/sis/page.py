"""One page of a collection on its way out."""

from dataclasses import dataclass, field

import orjson
from starlette.responses import Response

from roster_pipeline.sandbox.sis.answers import StatusInfo


@dataclass
class Page:
    """Rows and everything that is said about them; faults change it before it is rendered."""

    envelope: str | None
    """Key of the array; None for a bare array."""
    rows: list[bytes]
    """JSON text of each row."""
    total: int | None
    """X-Total-Count; None for no such header."""
    links: list[tuple[str, str]]
    """Relation and URL of each link."""
    warnings: list[StatusInfo] = field(default_factory=list)
    null_when_empty: bool = False

    def render(self) -> Response:
        """The page as an HTTP answer."""
        array = b"null" if self.null_when_empty and not self.rows else b"[" + b",".join(self.rows) + b"]"
        if self.envelope is None:
            body = array
        else:
            parts = [f'"{self.envelope}":'.encode() + array]
            if self.warnings:
                entries = [entry for warning in self.warnings for entry in warning.document()["statusInfoSet"]]
                parts.append(b'"statusInfoSet":' + orjson.dumps(entries))
            body = b"{" + b",".join(parts) + b"}"
        headers: dict[str, str] = {}
        if self.total is not None:
            headers["X-Total-Count"] = str(self.total)
        if self.links:
            headers["Link"] = ", ".join(f'<{url}>; rel="{relation}"' for relation, url in self.links)
        return Response(body, 200, headers, "application/json")

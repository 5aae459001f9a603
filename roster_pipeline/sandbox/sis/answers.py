"""What the SIS says when it has no data to give: OneRoster's status information, in the shapes servers use.

Source: OneRoster 1.1 REST binding, section 3.8 (codes), and its OpenAPI file (the shape `openapi`).
"""

from dataclasses import dataclass
from typing import Literal

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from roster_pipeline.sandbox.sis.wire import Json

#: `status_info_set`: an array of entries with the prefix imsx_; `openapi`: one entry, nested code-minor fields;
#: `capitalised`: an array of entries in capitalised words, as some servers have it.
ErrorShape = Literal["status_info_set", "openapi", "capitalised"]


@dataclass(frozen=True)
class StatusInfo:
    """One entry of status information."""

    http_status: int
    code_minor: str
    description: str
    major: Literal["success", "failure"] = "failure"
    severity: Literal["status", "warning", "error"] = "error"

    def document(self, shape: ErrorShape = "status_info_set") -> Json:
        """The JSON document that carries the entry."""
        if shape == "openapi":
            return {
                "imsx_codeMajor": self.major,
                "imsx_severity": self.severity,
                "imsx_description": self.description,
                "imsx_CodeMinor": {
                    "imsx_codeMinorField": [
                        {
                            "imsx_codeMinorFieldName": "TargetEndSystem",
                            "imsx_codeMinorFieldValue": self.code_minor.replace(" ", ""),
                        }
                    ]
                },
            }
        if shape == "capitalised":
            entry = {
                "CodeMajor": self.major,
                "Severity": self.severity,
                "CodeMinor": self.code_minor,
                "Description": self.description,
            }
            return {"statusInfoSet": [entry]}
        return {
            "statusInfoSet": [
                {
                    "imsx_codeMajor": self.major,
                    "imsx_severity": self.severity,
                    "imsx_codeMinor": self.code_minor,
                    "imsx_description": self.description,
                }
            ]
        }


def warning(code_minor: str, description: str) -> StatusInfo:
    """Something of the question was passed over; the answer is good all the same."""
    return StatusInfo(200, code_minor, description, "success", "warning")


class RefusedError(Exception):
    """The SIS does not do what it was asked; `info` tells why, `headers` go into the answer."""

    def __init__(self, info: StatusInfo, headers: dict[str, str] | None = None) -> None:
        super().__init__(info.description)
        self.info = info
        self.headers = headers


def bad_request(description: str, code_minor: str = "invalid data") -> RefusedError:
    return RefusedError(StatusInfo(400, code_minor, description))


def unknown_object(description: str) -> RefusedError:
    return RefusedError(StatusInfo(404, "unknown object", description))


def forbidden(description: str, headers: dict[str, str] | None = None) -> RefusedError:
    return RefusedError(StatusInfo(403, "forbidden", description), headers)


def unprocessable(description: str) -> RefusedError:
    return RefusedError(StatusInfo(422, "invalid data", description))


def json_response(document: Json, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(document), status, headers, "application/json")


class CutResponse(Response):
    """An answer that breaks off in the middle of its body, and the connection with it."""

    def __init__(self, whole: Response) -> None:
        # An answer without a body has no middle; it is announced as one with a body.
        super().__init__(bytes(whole.body) or b"{}", 200 if whole.status_code == 204 else whole.status_code)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - as ASGI has it
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        # The server closes the connection of an application that returns before its answer is complete.
        await send({"type": "http.response.body", "body": self.body[: len(self.body) // 2], "more_body": True})

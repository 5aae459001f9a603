"""Bodies of PUTs as a client of the gradebook sends them; `...` for a value leaves the key out."""

from typing import Any

CLASS = "sec-2027-0101-0001"


def reference(collection: str, kind: str, sourced_id: str) -> dict[str, str]:
    return {"href": f"https://lms.example/{collection}/{sourced_id}", "sourcedId": sourced_id, "type": kind}


def line_item(sourced_id: str = "li-1", **changes: Any) -> dict[str, Any]:
    body = {
        "sourcedId": sourced_id,
        "status": "active",
        "dateLastModified": "2026-10-02T03:00:00.000Z",
        "title": "Unit 3 quiz",
        "description": "Fractions",
        "assignDate": "2026-10-01T00:00:00.000Z",
        "dueDate": "2026-10-01T00:00:00.000Z",
        "class": reference("classes", "class", CLASS),
        "category": reference("categories", "category", "cat-tests"),
        "gradingPeriod": reference("gradingPeriods", "academicSession", "gp-2027-1"),
        "resultValueMin": 0.0,
        "resultValueMax": 20.0,
    }
    return {key: value for key, value in {**body, **changes}.items() if value is not ...}


def result(pupil: str, sourced_id: str = "re-1", /, **changes: Any) -> dict[str, Any]:
    body = {
        "sourcedId": sourced_id,
        "status": "active",
        "dateLastModified": "2026-10-02T03:00:00.000Z",
        "lineItem": reference("lineItems", "lineItem", "li-1"),
        "student": reference("users", "user", pupil),
        "scoreStatus": "fully graded",
        "score": 17.5,
        "scoreDate": "2026-10-02",
        "comment": "Good",
    }
    return {key: value for key, value in {**body, **changes}.items() if value is not ...}

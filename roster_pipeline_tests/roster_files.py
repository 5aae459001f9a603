"""A small roster to write tests with: OneRoster rows that are right unless a test says otherwise."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from roster_pipeline.oneroster.resources import ROSTER_RESOURCES
from roster_pipeline.sandbox.csv_bundle import MANIFEST_FILES


class RosterFiles:
    """The rows of a OneRoster 1.1 CSV package, by resource and sourcedId, in feed order.

    Lists are given as Python lists. Every method that adds a row returns its sourcedId.
    """

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, dict[str, Any]]] = {resource.name: {} for resource in ROSTER_RESOURCES}
        self.repeated: dict[str, list[dict[str, Any]]] = {resource.name: [] for resource in ROSTER_RESOURCES}
        self.modes: dict[str, str] = {resource.name: "bulk" for resource in ROSTER_RESOURCES}

    def add(self, resource: str, sourced_id: str, **values: Any) -> str:
        """Add or replace a row."""
        self.rows[resource][sourced_id] = {"sourcedId": sourced_id, **values}
        return sourced_id

    def repeat(self, resource: str, sourced_id: str, **values: Any) -> None:
        """Add another row with the same sourcedId."""
        self.repeated[resource].append({**self.rows[resource][sourced_id], **values})

    def change(self, resource: str, sourced_id: str, **values: Any) -> None:
        """Give some fields of a row other values."""
        self.rows[resource][sourced_id].update(values)

    def remove(self, resource: str, sourced_id: str) -> None:
        """Leave a row out from now on."""
        del self.rows[resource][sourced_id]

    def org(self, sourced_id: str, type_: str, name: str | None = None, **values: Any) -> str:
        return self.add("orgs", sourced_id, **{"name": name or sourced_id, "type": type_, **values})

    def session(
        self, sourced_id: str, type_: str, start: str, end: str, school_year: str | int = "2027", **values: Any
    ) -> str:
        row = {"title": sourced_id, "type": type_, "startDate": start, "endDate": end, "schoolYear": str(school_year)}
        return self.add("academicSessions", sourced_id, **{**row, **values})

    def course(self, sourced_id: str, title: str, code: str | None, org: str = "district", **values: Any) -> str:
        return self.add("courses", sourced_id, **{"title": title, "courseCode": code, "orgSourcedId": org, **values})

    def class_(
        self, sourced_id: str, course: str, school: str, terms: list[str], code: str | None, **values: Any
    ) -> str:
        row = {
            "title": sourced_id,
            "courseSourcedId": course,
            "classCode": code,
            "classType": "scheduled",
            "schoolSourcedId": school,
            "termSourcedIds": terms,
        }
        return self.add("classes", sourced_id, **{**row, **values})

    def user(self, sourced_id: str, role: str, orgs: list[str], **values: Any) -> str:
        row = {
            "enabledUser": "true",
            "orgSourcedIds": orgs,
            "role": role,
            "username": f"{sourced_id}.login",
            "givenName": f"Given {sourced_id}",
            "familyName": f"Family {sourced_id}",
            "identifier": f"id-{sourced_id}",
            "email": f"{sourced_id}@example.org",
        }
        return self.add("users", sourced_id, **{**row, **values})

    def enroll(
        self, user: str, class_: str, role: str = "student", sourced_id: str | None = None, **values: Any
    ) -> str:
        row = {
            "classSourcedId": class_,
            "schoolSourcedId": self.rows["classes"].get(class_, {}).get("schoolSourcedId", ""),
            "userSourcedId": user,
            "role": role,
            "primary": "false",
        }
        return self.add("enrollments", sourced_id or f"e-{user}-{class_}", **{**row, **values})

    def write(self, folder: Path) -> Path:
        """Write manifest and files into `folder`; returns it."""
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["propertyName", "value"])
            writer.writerows([["manifest.version", "1.0"], ["oneroster.version", "1.1"]])
            writer.writerows([f"file.{name}", self.modes.get(name, "absent")] for name in MANIFEST_FILES)
        for resource in ROSTER_RESOURCES:
            if self.modes[resource.name] == "absent":
                (folder / f"{resource.name}.csv").unlink(missing_ok=True)
                continue
            rows = [*self.rows[resource.name].values(), *self.repeated[resource.name]]
            metadata = sorted({name for row in rows for name in row if name.startswith("metadata.")})
            header = [*(field.name for field in resource.fields), *metadata]
            with (folder / f"{resource.name}.csv").open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                writer.writerow(header)
                writer.writerows([_cell(row.get(name)) for name in header] for row in rows)
        return folder


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return ",".join(value) if isinstance(value, list) else str(value)


def maple() -> RosterFiles:
    """One district, two schools, a school year of two terms, two courses, three classes, five people.

    | class | course | school | section | people |
    | --- | --- | --- | --- | --- |
    | `lit-1` | Computer Literacy Grade 1 (CPLI1) | elm | 001 | teacher `tina`, pupils `sam`, `sue` |
    | `lit-2` | the same | oak | 002 | pupil `pat` |
    | `math-1` | Mathematics (MATH) | elm | 001 | teacher `tina`, pupil `sam` |

    `gus` is Sam's guardian.
    """
    files = RosterFiles()
    files.org("district", "district", "Maple USD", identifier="0500")
    files.org("elm", "school", "Elm Elementary", identifier="0501", parentSourcedId="district")
    files.org("oak", "school", "Oak Elementary", identifier="0502", parentSourcedId="district")
    files.session("year", "schoolYear", "2026-08-01", "2027-06-30", title="2026-2027")
    files.session("fall", "term", "2026-08-15", "2026-12-20", title="Fall", parentSourcedId="year")
    files.session("spring", "term", "2027-01-05", "2027-06-05", title="Spring", parentSourcedId="year")
    files.session("q1", "gradingPeriod", "2026-08-15", "2026-10-15", title="Quarter 1", parentSourcedId="fall")
    files.course("lit", "Computer Literacy Grade 1", "CPLI1")
    files.course("math", "Mathematics", "MATH", org="elm")
    files.class_("lit-1", "lit", "elm", ["fall"], "CPLI1/001", title="Literacy 1")
    files.class_("lit-2", "lit", "oak", ["fall", "spring"], "CPLI1/002", title="Literacy 2")
    files.class_("math-1", "math", "elm", ["fall"], "MATH/001", title="Mathematics 1")
    files.user("sam", "student", ["elm"], agentSourcedIds=["gus"])
    files.user("sue", "student", ["elm"])
    files.user("pat", "student", ["district", "oak"])
    files.user("tina", "teacher", ["elm"])
    files.user("gus", "guardian", ["elm"])
    files.enroll("tina", "lit-1", "teacher", primary="true")
    files.enroll("tina", "math-1", "teacher", primary="true")
    files.enroll("sam", "lit-1")
    files.enroll("sam", "math-1")
    files.enroll("sue", "lit-1")
    files.enroll("pat", "lit-2")
    return files


def names(rows: list[Mapping[str, Any]], column: str) -> set[Any]:
    """The values of a column."""
    return {row[column] for row in rows}

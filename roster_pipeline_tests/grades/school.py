"""A small SIS on loopback and a gradebook beside it, to write tests of the way back with."""

import csv
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from roster_pipeline.grades.build import GradebookCounts, build_gradebook
from roster_pipeline.grades.connect import read_gradebook
from roster_pipeline.grades.export import ExportReport, export_grades, open_run
from roster_pipeline.grades.gradebook import COLUMNS
from roster_pipeline.grades.scope import ExportRequest, scopes_of
from roster_pipeline.sandbox.district import District
from roster_pipeline.sandbox.objects import (
    AcademicSession,
    Category,
    Class,
    Course,
    Enrollment,
    LineItem,
    Org,
    Result,
    User,
)
from roster_pipeline.sandbox.sis.recording import RecordedRequest
from roster_pipeline.sandbox.sis_server import SandboxSis
from roster_pipeline.warehouse.tested import record_test
from roster_pipeline_tests.pipeline import DAY, SOURCE, YEAR, Pipeline

MODIFIED = "2026-09-01T05:00:00.000Z"
CHANGED = "2026-11-20T15:00:00Z"


def small_district(more_pupils: int = 0) -> District:
    """One school, three classes in the fall, one in the spring too; two categories.

    | class | teacher | pupils |
    | --- | --- | --- |
    | `lit` | `tina` | `sam`, `sue` |
    | `math` | `tom` | `sam`, `pat` |
    | `art` | `tina` | `sue` |

    More pupils are named `p0`, `p1` and so on; each is in all three classes.
    """
    crowd = [f"p{number}" for number in range(more_pupils)]
    base = {"date_last_modified": MODIFIED}

    def session(sourced_id: str, type_: str, start: str, end: str, parent: str | None = None) -> AcademicSession:
        return AcademicSession(
            sourced_id=sourced_id, title=sourced_id.title(), type=type_, start_date=start, end_date=end,
            parent_sourced_id=parent, school_year="2027", **base,
        )  # fmt: skip

    def user(sourced_id: str, role: str) -> User:
        return User(
            sourced_id=sourced_id, role=role, username=f"{sourced_id}.login", given_name=f"Given {sourced_id}",
            family_name=f"Family {sourced_id}", org_sourced_ids=("elm",), identifier=f"id-{sourced_id}",
            email=f"{sourced_id}@example.org", **base,
        )  # fmt: skip

    def enrollment(person: str, class_: str, role: str = "student") -> Enrollment:
        return Enrollment(
            sourced_id=f"e-{person}-{class_}", class_sourced_id=class_, school_sourced_id="elm", user_sourced_id=person,
            role=role, primary=role == "teacher", **base,
        )  # fmt: skip

    def class_(sourced_id: str, *terms: str) -> Class:
        return Class(
            sourced_id=sourced_id, title=f"Class {sourced_id}", course_sourced_id=f"course-{sourced_id}",
            class_code=f"{sourced_id.upper()}/001", school_sourced_id="elm", term_sourced_ids=terms,
            category_sourced_ids=("homework", "tests"), **base,
        )  # fmt: skip

    return District(
        "Maple USD",
        DAY,
        1,
        [
            Org(sourced_id="district", name="Maple USD", type="district", identifier="0500", **base),
            Org(sourced_id="elm", name="Elm", type="school", identifier="0501", parent_sourced_id="district", **base),
            session("year", "schoolYear", "2026-08-01", "2027-06-30"),
            session("fall", "term", "2026-08-15", "2026-12-20", "year"),
            session("spring", "term", "2027-01-05", "2027-06-05", "year"),
            session("q1", "gradingPeriod", "2026-08-15", "2026-10-15", "fall"),
            session("q2", "gradingPeriod", "2026-10-16", "2026-12-20", "fall"),
            Category(sourced_id="homework", title="Homework", **base),
            Category(sourced_id="tests", title="Tests", **base),
            *(
                Course(sourced_id=f"course-{name}", title=f"Course {name}", course_code=name.upper(),
                       org_sourced_id="elm", **base)
                for name in ("lit", "math", "art")
            ),
            class_("lit", "fall"),
            class_("math", "fall", "spring"),
            class_("art", "fall"),
            *(user(name, "student") for name in ("sam", "sue", "pat")),
            *(user(name, "teacher") for name in ("tina", "tom")),
            user("ada", "administrator"),
            enrollment("tina", "lit", "teacher"),
            enrollment("tina", "art", "teacher"),
            enrollment("tom", "math", "teacher"),
            enrollment("sam", "lit"),
            enrollment("sue", "lit"),
            enrollment("sam", "math"),
            enrollment("pat", "math"),
            enrollment("sue", "art"),
            *(user(name, "student") for name in crowd),
            *(enrollment(name, class_name) for name in crowd for class_name in ("lit", "math", "art")),
        ],
    )  # fmt: skip


class Teachers:
    """The three files of a gradebook, right unless a test says otherwise."""

    def __init__(self) -> None:
        self.categories: dict[tuple[str, str], dict[str, Any]] = {}
        self.items: dict[str, dict[str, Any]] = {}
        self.scores: dict[tuple[str, str], dict[str, Any]] = {}
        for class_ in ("lit", "math", "art"):
            self.category("hw", class_, name="Homework", sis_category_id="homework")
            self.category("own", class_, name="My own", sis_category_id=None)

    def category(self, category_id: str, class_: str, **values: Any) -> None:
        row = {"category_id": category_id, "class_sourced_id": class_, "sis_enabled": "true"}
        self.categories[category_id, class_] = {**row, **values}

    def item(self, item_id: str, class_: str = "lit", **values: Any) -> str:
        row = {
            "item_id": item_id,
            "class_sourced_id": class_,
            "name": f"Item {item_id}",
            "description": "What to do",
            "type": "Numeric",
            "max_points": "10",
            "category_id": "hw",
            "academic_session_id": "fall",
            "activity_due_date": "2026-11-20",
            "include_in_final": "true",
            "grading_mode": "points",
            "assessment_type": "homework",
            "assigned_by": "tina",
            "assigned_date": "2026-11-10",
            "is_deleted": "false",
            "last_modified": CHANGED,
        }
        self.items[item_id] = {**row, **values}
        return item_id

    def score(self, item_id: str, student: str, points: Any, **values: Any) -> None:
        row = {
            "item_id": item_id,
            "student_sourced_id": student,
            "points": points,
            "is_exempt": "false",
            "is_submitted": "true",
            "is_deleted": "false",
            "last_modified": CHANGED,
        }
        self.scores[item_id, student] = {**row, **values}

    def change_item(self, item_id: str, **values: Any) -> None:
        self.items[item_id].update(values)

    def change_score(self, item_id: str, student: str, **values: Any) -> None:
        self.scores[item_id, student].update(values)

    def wanted(self) -> dict[str, tuple[tuple[str, float], dict[str, tuple[float, str]]]]:
        """What the SIS should have, said without the pipeline: name and points of an item, and its results."""
        found: dict[str, tuple[tuple[str, float], dict[str, tuple[float, str]]]] = {}
        for item_id, item in self.items.items():
            if item["is_deleted"] == "true" or not item["academic_session_id"] or item["category_id"] != "hw":
                continue
            found[item_id] = (
                (item["name"], float(item["max_points"])),
                {
                    student: (float(score["points"] or 0), "exempt" if score["is_exempt"] == "true" else "fully graded")
                    for (of_item, student), score in self.scores.items()
                    if of_item == item_id
                    and score["is_deleted"] == "false"
                    and (score["points"] is not None or score["is_exempt"] == "true")
                },
            )
        return found

    def write(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for file, rows in (("categories", self.categories), ("grade_items", self.items), ("scores", self.scores)):
            with (folder / f"{file}.csv").open("w", newline="", encoding="utf-8") as out:
                writer = csv.DictWriter(out, COLUMNS[file])
                writer.writeheader()
                writer.writerows(rows.values())


class School:
    """A district whose SIS serves on loopback, a pipeline that has loaded it, and its teachers' gradebook."""

    def __init__(self, folder: Path, sis: SandboxSis, **export: Any) -> None:
        self.sis = sis
        self.teachers = Teachers()
        self.pipeline = Pipeline(folder, self._source(export))
        self._runs = 0

    def configure(self, **export: Any) -> None:
        """Give `grade_export` other values."""
        self.pipeline.configure(**self._source(export))

    def _source(self, export: dict[str, Any]) -> dict[str, Any]:
        courses, brightspace = export.pop("courses", {}), export.pop("brightspace", None)
        return {
            **({"brightspace": brightspace} if brightspace else {}),
            "timezone": "America/Chicago",
            "connection": {
                "kind": "rest",
                "endpoint_url": self.sis.endpoint_url,
                "concurrency": 2,
                "auth": {
                    "kind": "oauth2",
                    "token_url": self.sis.token_url,
                    "client_id": self.sis.client_id,
                    "client_secret": "${SIS_SECRET}",
                },
            },
            "courses": courses,
            "grade_export": {"enabled": True, "gradebook": {"kind": "files", "path": "gradebook"}, **export},
        }

    def pass_connection_test(self) -> None:
        """Have it on record that the connection as it is set now was tried and found good."""
        settings = self.pipeline.settings
        with self.pipeline.warehouse.transaction(SOURCE, "") as session:
            record_test(session, settings.connection, scopes_of(settings), "test", passed=True, steps=[])

    def build(self, request: ExportRequest) -> GradebookCounts:
        """Read the gradebook and judge it."""
        home = self.pipeline.home
        self.teachers.write(home.root / "gradebook")
        settings = self.pipeline.settings
        gradebook = read_gradebook(self.pipeline.warehouse, home, SOURCE, YEAR, settings)
        with self.pipeline.warehouse.transaction(SOURCE, YEAR) as session:
            return build_gradebook(session, gradebook, settings, request)

    def export(self, day: date = DAY, **request: Any) -> ExportReport:
        """One export from gradebook to SIS."""
        self._runs += 1
        asked = ExportRequest(f"export-{self._runs}", day, **request)
        warehouse, settings = self.pipeline.warehouse, self.pipeline.settings
        open_run(warehouse, SOURCE, YEAR, settings, asked)
        self.build(asked)
        self.sis.service.requests.clear()
        return export_grades(warehouse, self.pipeline.home, SOURCE, YEAR, settings, asked)

    @property
    def writes(self) -> list[RecordedRequest]:
        """What the last export asked the SIS to change, in the order of the answers."""
        return [request for request in self.sis.requests if request.method in {"PUT", "DELETE"}]

    def put(self, collection: str) -> list[dict[str, Any]]:
        """Bodies of the last export's PUTs of a collection."""
        return [
            next(iter(request.json.values()))
            for request in self.writes
            if request.method == "PUT" and f"/{collection}/" in request.path
        ]

    @property
    def line_items(self) -> Mapping[str, LineItem]:
        """What the SIS has, by the item's title."""
        return {item.title: item for item in self.sis.district.all(LineItem).values()}

    def results(self, title: str) -> dict[str, Result]:
        """The SIS's results of a line item, by student."""
        line_item = self.line_items[title].sourced_id
        return {
            result.student_sourced_id: result
            for result in self.sis.district.all(Result).values()
            if result.line_item_sourced_id == line_item
        }

    def reason(self, item_id: str) -> str | None:
        """Why an item may not go."""
        reason: str | None = self.pipeline.row("grades.items", "item_id = $item", item=item_id)["reason_not_eligible"]
        return reason

    def score_reason(self, item_id: str, student: str) -> str | None:
        """Why a score may not go."""
        row = self.pipeline.row(
            "grades.scores", "item_id = $item AND student_sourced_id = $student", item=item_id, student=student
        )
        reason: str | None = row["reason_not_eligible"]
        return reason

    def ledger(self, local_id: str) -> dict[str, Any]:
        """The ledger's row of an item or of item|student."""
        (row,) = self.pipeline.rows("grades.export_ledger", "local_id = $id", None, id=local_id)
        return row

    def lines(self, report: ExportReport) -> list[dict[str, Any]]:
        """The record of an export, object by object."""
        return self.pipeline.rows("grades.export_lines", "run_id = $run", run=report.run_id)

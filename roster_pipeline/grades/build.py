"""Fills the gradebook tables of the grades schema, each row with the reason why it may not go to the SIS."""

from dataclasses import dataclass

from roster_pipeline.grades.gradebook import COLUMNS, READ_WHOLE, Gradebook
from roster_pipeline.grades.scope import ExportRequest, apply_request
from roster_pipeline.issues import prepare_findings, record_findings
from roster_pipeline.settings import Source
from roster_pipeline.warehouse.connection import Session, sql_text
from roster_pipeline.warehouse.literal import literal


@dataclass(frozen=True)
class GradebookCounts:
    """What one build found."""

    rows: dict[str, int]
    """Rows by table of the grades schema."""
    not_eligible: dict[str, dict[str, int]]
    """Rows that may not go to the SIS, by table and reason."""
    issues: dict[str, int]


def build_gradebook(
    session: Session, gradebook: Gradebook, settings: Source, request: ExportRequest
) -> GradebookCounts:
    """Fill the gradebook tables of the session's source and school year."""
    apply_request(session, settings, request)
    prepare_findings(session)
    for file in (*COLUMNS, READ_WHOLE[0]):
        session.execute(f"CREATE OR REPLACE TEMP VIEW raw_{file} AS FROM read_parquet({literal(gradebook.path(file))})")
    rows = {"categories": session.replace_partition("grades.categories", sql_text("grades/categories"))}
    for table, name in (
        ("candidate_items", "grades/candidate_items"),
        ("candidate_scores", "grades/candidate_scores"),
        ("item_courses", "grades/courses"),
        ("item_sessions", "grades/sessions"),
        ("item_students", "grades/students"),
        ("item_categories", "grades/known_categories"),
        ("item_class_categories", "grades/class_categories"),
        ("sis_users", "grades/sis_users"),
        ("graded_items", "grades/graded_items"),
    ):
        session.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS {sql_text(name)}")
    rows["items"] = session.replace_partition("grades.items", sql_text("grades/items"))
    rows["scores"] = session.replace_partition("grades.scores", sql_text("grades/scores"))
    session.run_file("grades/faults")
    for row in gradebook.unreadable:
        session.execute(
            "INSERT INTO findings VALUES ('grade.row_unreadable', 'gradebook', $file, $detail, $line)",
            {"file": f"{row.file}.csv", "detail": f"line {row.line}: {row.why}", "line": row.line},
        )
    return GradebookCounts(rows, _not_eligible(session), record_findings(session, request.run_id))


def _not_eligible(session: Session) -> dict[str, dict[str, int]]:
    return {
        table: dict(
            session.execute(
                f"SELECT reason_not_eligible, count(*) FROM grades.{table} "
                "WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year') "
                "AND NOT eligible GROUP BY 1 ORDER BY 1"
            )
        )
        for table in ("items", "scores")
    }

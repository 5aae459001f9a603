"""What a row must have to be used, as pandera schemas that run inside DuckDB.

The queries that they come to are the same every night, and to load pandera and Ibis takes a tenth of a small one.
So they lie in `warehouse/sql/roster/required`; after a change here, run `python -m roster_pipeline.oneroster.schemas`.

A required value may be missing from a row that the SIS marks `tobedeleted`: such a row only says goodbye.
Uniqueness and references are set-based SQL instead, because pandera's Ibis backend ignores `unique`.
"""

import functools
import operator
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import pandera.ibis as pa

_MADE = "-- Made from the pandera schemas: python -m roster_pipeline.oneroster.schemas\n"


def _required(column: str, code: str) -> pa.Check:
    """The check that `column` has a value; `code` is the issue a row without one gets."""

    def has_value(data: Any) -> Any:
        return data.table[column].notnull() | (data.table["status"] == "tobedeleted")

    return pa.Check(has_value, name=code, error=code, ignore_na=False)


def _identified(data: Any) -> Any:
    return data.table["sourced_id"].notnull()


def _schema(**required: str) -> pa.DataFrameSchema:
    """A schema that demands a sourcedId and the named columns, each with the code of its issue."""
    identified = pa.Check(_identified, error="row.sourced_id_missing", ignore_na=False)
    return pa.DataFrameSchema(
        {column: pa.Column(dt.String, nullable=True) for column in ("sourced_id", "status", *required)},
        checks=[identified, *(_required(column, code) for column, code in required.items())],
    )


#: By roster table.
SCHEMAS: dict[str, pa.DataFrameSchema] = {
    "orgs": _schema(),
    "academic_sessions": _schema(),
    "courses": _schema(),
    "classes": _schema(
        course_sourced_id="class.course_missing",
        school_sourced_id="class.school_missing",
    ),
    "users": _schema(
        given_name="user.name_missing",
        family_name="user.name_missing",
        username="user.username_missing",
        role="user.role_missing",
    ),
    "enrollments": _schema(
        user_sourced_id="enrollment.user_missing",
        class_sourced_id="enrollment.class_missing",
        role="enrollment.role_missing",
    ),
}


def faults_query(table: str) -> str:
    """SQL over `accepted` that yields position, sourced_id and codes of every row that breaks the schema.

    One scan answers all checks; `codes` holds one entry for each check, null where the check passed.
    """
    schema = SCHEMAS[table]
    columns = {"position": "int64", "status": "string"} | dict.fromkeys(schema.columns, "string")
    rows = ibis.table(columns, name="accepted")
    checks = [(check(rows).check_output, check.error) for check in schema.checks]
    passed = functools.reduce(operator.and_, (output for output, _ in checks))
    codes = ibis.array([ibis.ifelse(output, ibis.null("string"), ibis.literal(code)) for output, code in checks])
    query = ibis.to_sql(rows.filter(~passed).select("position", "sourced_id", codes=codes), dialect="duckdb")
    return f"{_MADE}{query}\n"


def main() -> None:
    """Write the queries to where the pipeline reads them."""
    folder = Path(__file__).parents[1] / "warehouse" / "sql" / "roster" / "required"
    for table in SCHEMAS:
        (folder / f"{table}.sql").write_text(faults_query(table), "utf-8")


if __name__ == "__main__":
    main()

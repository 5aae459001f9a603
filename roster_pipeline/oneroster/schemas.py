"""What a row must have to be used, as pandera schemas that run inside DuckDB.

A required value may be missing from a row that the SIS marks `tobedeleted`: such a row only says goodbye.
Uniqueness and references are set-based SQL instead, because pandera's Ibis backend ignores `unique`.
"""

import functools
import operator
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import pandera.ibis as pa


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


def faults_query(table: str, columns: dict[str, str]) -> str:
    """SQL over `accepted` that yields position, sourced_id and codes of every row that breaks the schema.

    `columns` are the relation's column names and Ibis types. One scan answers all checks; `codes` holds one
    entry for each check, null where the check passed.
    """
    return _faults_query(table, tuple(columns.items()))


@functools.cache
def _faults_query(table: str, columns: tuple[tuple[str, str], ...]) -> str:
    rows = ibis.table(dict(columns), name="accepted")
    checks = [(check(rows).check_output, check.error) for check in SCHEMAS[table].checks]
    passed = functools.reduce(operator.and_, (output for output, _ in checks))
    codes = ibis.array([ibis.ifelse(output, ibis.null("string"), ibis.literal(code)) for output, code in checks])
    return str(ibis.to_sql(rows.filter(~passed).select("position", "sourced_id", codes=codes), dialect="duckdb"))

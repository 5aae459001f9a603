"""The pandera schemas of the roster: what is kept satisfies them, and what does not is kept out."""

import ibis
import pytest
from pandera.errors import SchemaErrors

from roster_pipeline.oneroster.schemas import SCHEMAS, faults_query
from roster_pipeline.warehouse.connection import sql_text
from roster_pipeline_tests.pipeline import SOURCE, YEAR, Pipeline
from roster_pipeline_tests.roster_files import RosterFiles

#: A row of each table and the values that it cannot do without.
REQUIRED = {
    "classes": ("lit-2", ["courseSourcedId", "schoolSourcedId"]),
    "users": ("pat", ["givenName", "familyName", "username", "role"]),
    "enrollments": ("e-sue-lit-1", ["userSourcedId", "classSourcedId", "role"]),
}


def test_the_roster_satisfies_its_schemas(pipeline: Pipeline, files: RosterFiles) -> None:
    for table, (sourced_id, fields) in REQUIRED.items():
        files.change(table, sourced_id, **dict.fromkeys(fields, ""))
    pipeline.night(files, deliver=False)
    with pipeline.warehouse.transaction(SOURCE, YEAR) as session:
        database = ibis.duckdb.from_connection(session.connection)
        for table, schema in SCHEMAS.items():
            kept = database.table(table, database="roster")
            assert kept.count().execute() > 0
            schema.validate(kept, lazy=True)
            with pytest.raises(SchemaErrors):
                schema.validate(kept.mutate(sourced_id=ibis.null("string")), lazy=True)
    rejected = {row["sourced_id"]: set(row["codes"]) for row in pipeline.rows("roster.rejects")}
    for table, (sourced_id, fields) in REQUIRED.items():
        codes = {check.error for check in SCHEMAS[table].checks} - {"row.sourced_id_missing"}
        assert codes <= rejected[sourced_id], f"{table} without {fields}"


@pytest.mark.parametrize("table", SCHEMAS)
def test_the_queries_are_those_of_the_schemas(table: str) -> None:
    assert sql_text(f"roster/required/{table}") == faults_query(table), (
        "run python -m roster_pipeline.oneroster.schemas"
    )

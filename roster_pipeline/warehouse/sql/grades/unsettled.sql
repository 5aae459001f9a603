-- What is planned and has no outcome on record yet.
CREATE OR REPLACE TEMP VIEW unsettled AS
SELECT plan.*
FROM planned AS plan
ANTI JOIN (
    SELECT kind, local_id
    FROM grades.export_lines
    WHERE
        source_id = getvariable('source_id')
        AND school_year = getvariable('school_year')
        AND run_id = getvariable('run_id')
) AS line ON plan.kind = line.kind AND plan.local_id = line.local_id

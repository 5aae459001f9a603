-- Which of the org units that are there are wanted more of, by id or, where that is not known, by type and code.
SELECT
    org_unit_id,
    bool_or(course) AS course,
    bool_or(parents) AS parents,
    bool_or(enrollments) AS enrollments
FROM (
    SELECT unit.org_unit_id, wanted.course, wanted.parents, wanted.enrollments
    FROM read_parquet(getvariable('folder') || '/org_units.parquet') AS unit
    INNER JOIN read_parquet(getvariable('wanted')) AS wanted ON unit.org_unit_id = wanted.org_unit_id
    UNION ALL
    SELECT unit.org_unit_id, wanted.course, wanted.parents, wanted.enrollments
    FROM read_parquet(getvariable('folder') || '/org_units.parquet') AS unit
    INNER JOIN read_parquet(getvariable('wanted')) AS wanted ON lower(unit.type) = wanted.type AND unit.code = wanted.code
    WHERE wanted.org_unit_id IS NULL
)
GROUP BY org_unit_id

-- Enrollments of the delta for the API. A section takes only people who are in its offering, so both are rows here.
SELECT
    starts_with(enrollment.org_unit_key, 'section:') AS in_section,
    enrollment.action = 'delete' AS is_removal,
    pair_key(enrollment.user_sourced_id, enrollment.org_unit_key) AS sourced_id,
    enrollment.action,
    person.brightspace_id AS user_id,
    unit.brightspace_id AS org_unit_id,
    enrollment.after ->> 'role' AS role,
    offering.brightspace_id AS offering_id
FROM delta.enrollments AS enrollment
LEFT JOIN sync.mappings AS person
    ON
        person.source_id = getvariable('source_id')
        AND person.kind = 'user'
        AND enrollment.user_sourced_id = person.sourced_id
LEFT JOIN sync.mappings AS unit
    ON unit.source_id = getvariable('source_id') AND enrollment.org_unit_key = unit.kind || ':' || unit.sourced_id
LEFT JOIN sync.mappings AS offering
    ON
        offering.source_id = getvariable('source_id')
        AND offering.kind = 'course_offering'
        -- One equality: with a condition on the unit beside it DuckDB would compare every row with every other.
        AND CASE WHEN unit.kind = 'section' THEN unit.sourced_id END = offering.sourced_id
WHERE
    enrollment.source_id = getvariable('source_id')
    AND enrollment.school_year = getvariable('school_year')
    AND enrollment.action <> 'unmap'

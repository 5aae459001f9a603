-- Course offerings and academic sessions that we manage, of this school year, with their codes in Brightspace.
SELECT
    mapping.kind,
    mapping.sourced_id,
    coalesce(mapping.fields ->> 'delivery_code', mapping.code) AS code,
    mapping.brightspace_id
FROM sync.mappings AS mapping
INNER JOIN brightspace.org_units AS unit
    ON
        mapping.source_id = unit.source_id
        AND mapping.kind = unit.kind
        AND mapping.sourced_id = unit.sourced_id
        AND unit.school_year = getvariable('school_year')
WHERE
    mapping.source_id = getvariable('source_id')
    AND mapping.kind IN ('course_offering', 'school_year', 'semester', 'term', 'grading_period')
ORDER BY mapping.kind, mapping.sourced_id

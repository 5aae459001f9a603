-- The delivered code of every org unit that a row of a bundle may name, and the file its kind goes into.
SELECT
    unit.org_unit_key,
    coalesce(mapping.code, unit.delivery_code) AS code,
    CASE
        WHEN unit.kind = 'course_template' THEN 'Templates'
        WHEN unit.kind = 'course_offering' THEN 'Offerings'
        WHEN unit.kind = 'section' THEN 'Sections'
        WHEN lower(unit.org_unit_type) = 'department' THEN 'Departments'
        WHEN lower(unit.org_unit_type) = 'semester' THEN 'Semesters'
        ELSE 'Other'
    END AS file
FROM brightspace.org_units AS unit
LEFT JOIN sync.mappings AS mapping
    ON
        unit.source_id = mapping.source_id
        AND unit.kind = mapping.kind
        AND unit.sourced_id = mapping.sourced_id
WHERE
    unit.source_id = getvariable('source_id')
    AND unit.school_year = getvariable('school_year')
    AND unit.kind <> 'organization'
UNION ALL
-- Units that the SIS no longer has are still named by what is taken away from them.
SELECT
    kind || ':' || sourced_id AS org_unit_key,
    code,
    CASE
        WHEN kind = 'course_template' THEN 'Templates'
        WHEN kind = 'course_offering' THEN 'Offerings'
        WHEN kind = 'section' THEN 'Sections'
        WHEN lower(fields ->> 'org_unit_type') = 'department' THEN 'Departments'
        WHEN lower(fields ->> 'org_unit_type') = 'semester' THEN 'Semesters'
        ELSE 'Other'
    END AS file
FROM sync.mappings
WHERE
    source_id = getvariable('source_id')
    AND kind NOT IN ('user', 'relationship', 'enrollment')
    AND kind || ':' || sourced_id NOT IN (
        SELECT org_unit_key
        FROM brightspace.org_units
        WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year')
    )

-- The school of every org unit that has one: of the school itself, of its offerings, and of their sections. As managed;
-- for what is not managed yet, as it should be.
WITH links AS (
    SELECT
        sourced_id,
        unnest((fields -> 'parents')::VARCHAR[]) AS parent_key,
        true AS is_managed
    FROM sync.mappings
    WHERE source_id = getvariable('source_id') AND kind = 'course_offering'
    UNION ALL
    SELECT
        unit.sourced_id,
        link.parent_key,
        false AS is_managed
    FROM brightspace.org_unit_parents AS link
    INNER JOIN brightspace.org_units AS unit USING (source_id, school_year, org_unit_key)
    WHERE
        link.source_id = getvariable('source_id')
        AND link.school_year = getvariable('school_year')
        AND unit.kind = 'course_offering'
),

class_schools AS (
    SELECT sourced_id, arg_max(parent_key, is_managed) AS school_key
    FROM links
    WHERE starts_with(parent_key, 'school:')
    GROUP BY sourced_id
),

schools AS (
    SELECT school_key, arg_max(name, is_managed) AS school
    FROM (
        SELECT 'school:' || sourced_id AS school_key, fields ->> 'name' AS name, true AS is_managed
        FROM sync.mappings
        WHERE source_id = getvariable('source_id') AND kind = 'school'
        UNION ALL
        SELECT org_unit_key AS school_key, name, false AS is_managed
        FROM brightspace.org_units
        WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year') AND kind = 'school'
    )
    GROUP BY school_key
)

SELECT unit.org_unit_key, unit.kind, schools.school_key, schools.school
FROM (
    SELECT 'course_offering:' || sourced_id AS org_unit_key, 'course_offering' AS kind, school_key
    FROM class_schools
    UNION ALL
    SELECT 'section:' || sourced_id AS org_unit_key, 'section' AS kind, school_key
    FROM class_schools
    UNION ALL
    SELECT school_key AS org_unit_key, 'school' AS kind, school_key
    FROM schools
) AS unit
INNER JOIN schools ON unit.school_key = schools.school_key

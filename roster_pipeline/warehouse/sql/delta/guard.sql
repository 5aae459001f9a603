-- How much of what is managed the delta takes away or changes: for each entity, and for each school.
WITH school_of_unit AS (
    SELECT link.org_unit_key, link.parent_key AS school_key
    FROM brightspace.org_unit_parents AS link
    WHERE
        link.source_id = getvariable('source_id')
        AND link.school_year = getvariable('school_year')
        AND link.parent_key LIKE 'school:%'
        AND link.org_unit_key LIKE 'course_offering:%'
    UNION ALL
    SELECT org_unit_key, org_unit_key AS school_key
    FROM brightspace.org_units
    WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year') AND kind = 'school'
),

this_year AS (
    SELECT org_unit_key
    FROM brightspace.org_units
    WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year')
),

managed_enrollments AS (
    SELECT
        fields ->> 'org_unit_key' AS org_unit_key
    FROM sync.mappings
    WHERE
        source_id = getvariable('source_id')
        AND kind = 'enrollment'
        AND (
            school_year = getvariable('school_year')
            OR (fields ->> 'org_unit_key') IN (FROM this_year)
        )
),

-- What is linked is managed from now on: it counts among what the limits are taken of.
linked AS (
    SELECT 'org_units' AS entity, count(*) AS managed
    FROM delta.org_units
    WHERE
        source_id = getvariable('source_id')
        AND school_year = getvariable('school_year')
        AND action = 'update'
        AND kind || ':' || sourced_id NOT IN (
            SELECT kind || ':' || sourced_id
            FROM sync.mappings
            WHERE source_id = getvariable('source_id') AND kind NOT IN ('user', 'relationship', 'enrollment')
        )
    UNION ALL
    SELECT 'users' AS entity, count(*) AS managed
    FROM delta.users
    WHERE
        source_id = getvariable('source_id')
        AND school_year = getvariable('school_year')
        AND action = 'update'
        AND sourced_id NOT IN (
            SELECT sourced_id
            FROM sync.mappings
            WHERE source_id = getvariable('source_id') AND kind = 'user'
        )
),

managed_before AS (
    SELECT 'org_units' AS entity, NULL AS school_key, count(*) AS managed
    FROM sync.mappings
    WHERE
        source_id = getvariable('source_id')
        AND kind NOT IN ('user', 'relationship', 'enrollment')
        AND (school_year = getvariable('school_year') OR kind || ':' || sourced_id IN (FROM this_year))
    UNION ALL
    SELECT kind || 's' AS entity, NULL AS school_key, count(*) AS managed
    FROM sync.mappings
    WHERE source_id = getvariable('source_id') AND kind IN ('user', 'relationship')
    GROUP BY kind
    UNION ALL
    SELECT 'enrollments' AS entity, NULL AS school_key, count(*) AS managed
    FROM managed_enrollments
    UNION ALL
    SELECT 'enrollments' AS entity, school_of_unit.school_key, count(*) AS managed
    FROM managed_enrollments
    INNER JOIN school_of_unit USING (org_unit_key)
    GROUP BY school_of_unit.school_key
),

managed AS (
    SELECT entity, school_key, sum(managed) AS managed
    FROM (
        FROM managed_before
        UNION ALL
        SELECT entity, NULL AS school_key, managed
        FROM linked
    )
    GROUP BY entity, school_key
),

changes AS (
    SELECT 'org_units' AS entity, NULL AS school_key, action
    FROM delta.org_units
    WHERE
        source_id = getvariable('source_id')
        AND school_year = getvariable('school_year')
        AND (action <> 'update' OR len(changed_fields) > 0)
    UNION ALL
    SELECT 'users' AS entity, NULL AS school_key, action
    FROM delta.users
    WHERE
        source_id = getvariable('source_id')
        AND school_year = getvariable('school_year')
        AND (action <> 'update' OR len(changed_fields) > 0)
    UNION ALL
    SELECT 'relationships' AS entity, NULL AS school_key, action
    FROM delta.relationships
    WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year')
    UNION ALL
    SELECT 'enrollments' AS entity, NULL AS school_key, action
    FROM delta.enrollments
    WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year')
    UNION ALL
    SELECT 'enrollments' AS entity, school_of_unit.school_key, enrollment.action
    FROM delta.enrollments AS enrollment
    INNER JOIN school_of_unit USING (org_unit_key)
    WHERE enrollment.source_id = getvariable('source_id') AND enrollment.school_year = getvariable('school_year')
),

counted AS (
    SELECT
        entity,
        school_key,
        count(*) FILTER (action IN ('delete', 'inactivate', 'unmap')) AS removed,
        count(*) FILTER (action = 'update') AS changed
    FROM changes
    GROUP BY entity, school_key
)

SELECT
    counted.entity,
    school.name AS school,
    counted.removed,
    counted.changed,
    managed.managed,
    counted.removed >= getvariable('ignore_below')
    AND counted.removed * 100.0 > getvariable('max_removed_percent') * managed.managed AS too_many_removed,
    counted.changed >= getvariable('ignore_below')
    AND counted.changed * 100.0 > getvariable('max_changed_percent') * managed.managed AS too_many_changed
FROM counted
INNER JOIN managed
    ON counted.entity = managed.entity AND counted.school_key IS NOT DISTINCT FROM managed.school_key
LEFT JOIN brightspace.org_units AS school
    ON
        counted.school_key = school.org_unit_key
        AND school.source_id = getvariable('source_id')
        AND school.school_year = getvariable('school_year')
ORDER BY counted.entity, school.name NULLS FIRST

-- How much of what is managed the delta takes away or changes: of each entity, and of each school's courses and
-- enrollments. An enrollment in a course is counted once, at the offering, where the school is asked for.
WITH this_year AS (
    SELECT org_unit_key
    FROM brightspace.org_units
    WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year')
),

-- Read where it is asked for: to count them all, the enrollments' keys need not be looked at.
managed_rows AS NOT MATERIALIZED (
    SELECT 'org_units' AS entity, kind || ':' || sourced_id AS org_unit_key, school_year
    FROM sync.mappings
    WHERE source_id = getvariable('source_id') AND kind NOT IN ('user', 'relationship', 'enrollment')
    UNION ALL
    SELECT 'enrollments' AS entity, pair_second(sourced_id) AS org_unit_key, school_year
    FROM sync.mappings
    WHERE source_id = getvariable('source_id') AND kind = 'enrollment'
),

managed_before AS NOT MATERIALIZED (
    SELECT entity, org_unit_key
    FROM managed_rows
    WHERE school_year = getvariable('school_year')
    UNION ALL
    SELECT entity, org_unit_key
    FROM managed_rows
    WHERE school_year <> getvariable('school_year') AND org_unit_key IN (FROM this_year)
    UNION ALL
    SELECT kind || 's' AS entity, NULL AS org_unit_key
    FROM sync.mappings
    WHERE source_id = getvariable('source_id') AND kind IN ('user', 'relationship')
    UNION ALL
    -- What is linked is managed from now on: it counts among what the limits are taken of.
    SELECT 'org_units' AS entity, org_unit_key
    FROM delta.org_units
    WHERE
        source_id = getvariable('source_id')
        AND school_year = getvariable('school_year')
        AND action = 'update'
        AND org_unit_key NOT IN (SELECT org_unit_key FROM managed_rows WHERE entity = 'org_units')
    UNION ALL
    SELECT 'users' AS entity, NULL AS org_unit_key
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

of_schools AS (
    SELECT 'org_units' AS entity, 'course offerings and sections' AS told, org_unit_key, school_key, school
    FROM school_of_unit
    WHERE kind <> 'school'
    UNION ALL
    SELECT 'enrollments' AS entity, 'enrollments' AS told, org_unit_key, school_key, school
    FROM school_of_unit
    WHERE kind <> 'section'
),

-- What is enough to be looked at.
counted AS (
    SELECT
        told,
        school_key,
        coalesce(sum(rows) FILTER (action IN ('delete', 'inactivate', 'unmap')), 0) AS removed,
        coalesce(sum(rows) FILTER (action = 'update'), 0) AS changed
    FROM (
        SELECT entity AS told, NULL AS school_key, action, rows
        FROM delta_groups
        UNION ALL
        SELECT of_schools.told, of_schools.school_key, delta_groups.action, delta_groups.rows
        FROM delta_groups
        INNER JOIN of_schools USING (entity, org_unit_key)
    )
    GROUP BY told, school_key
    HAVING greatest(removed, changed) >= getvariable('ignore_below')
),

managed AS (
    SELECT entity AS told, NULL AS school_key, NULL AS school, count(*) AS managed
    FROM managed_before
    GROUP BY entity
    UNION ALL
    SELECT told, school_key, school, count(*) AS managed
    FROM managed_before
    INNER JOIN of_schools USING (entity, org_unit_key)
    WHERE school_key IN (SELECT school_key FROM counted)
    GROUP BY ALL
)

SELECT
    managed.told,
    managed.school,
    counted.removed,
    counted.changed,
    managed.managed,
    counted.removed >= getvariable('ignore_below')
    AND counted.removed * 100.0 > getvariable('max_removed_percent') * managed.managed AS too_many_removed,
    counted.changed >= getvariable('ignore_below')
    AND counted.changed * 100.0 > getvariable('max_changed_percent') * managed.managed AS too_many_changed
FROM counted
INNER JOIN managed
    ON counted.told = managed.told AND counted.school_key IS NOT DISTINCT FROM managed.school_key
WHERE too_many_removed OR too_many_changed
ORDER BY managed.told, managed.school NULLS FIRST

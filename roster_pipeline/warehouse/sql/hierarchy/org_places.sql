-- Every live org with the unit it becomes, if its type is mapped, and the unit above it.
WITH RECURSIVE live AS (
    SELECT
        org.*,
        mapped.org_unit_type,
        mapped.org_unit_type IS NOT NULL AND org.status = 'active' AS is_unit
    FROM roster.orgs AS org
    LEFT JOIN org_unit_types AS mapped ON org.type = mapped.sis_type
    WHERE
        org.source_id = getvariable('source_id')
        AND org.school_year = getvariable('school_year')
        AND org.status <> 'tobedeleted'
),

ancestors AS (
    SELECT sourced_id, sourced_id AS ancestor, 0 AS distance
    FROM live
    UNION ALL
    -- Twenty steps up end a cycle of parents too.
    SELECT ancestors.sourced_id, live.parent_sourced_id AS ancestor, distance + 1 AS distance
    FROM ancestors
    INNER JOIN live ON ancestors.ancestor = live.sourced_id
    WHERE live.parent_sourced_id IS NOT NULL AND distance < 20
),

above AS (
    SELECT
        ancestors.sourced_id,
        arg_min(unit.type || ':' || unit.sourced_id, distance) FILTER (
            unit.is_unit AND distance > 0 AND unit.sourced_id <> ancestors.sourced_id
        ) AS nearest_unit,
        arg_min(unit.sourced_id, distance) FILTER (unit.is_unit AND unit.type = 'district') AS district,
        count(*) FILTER (distance > 0 AND ancestor = ancestors.sourced_id) > 0 AS is_cycle
    FROM ancestors
    INNER JOIN live AS unit ON ancestors.ancestor = unit.sourced_id
    GROUP BY ancestors.sourced_id
),

-- An org without a district above it belongs to the one there is.
only_district AS (
    SELECT min(sourced_id) AS sourced_id
    FROM live
    WHERE is_unit AND type = 'district'
),

placed AS (
    SELECT
        live.*,
        above.nearest_unit,
        above.is_cycle,
        coalesce(above.district, (SELECT sourced_id FROM only_district)) AS own_district
    FROM live
    INNER JOIN above ON live.sourced_id = above.sourced_id
)

SELECT
    sourced_id,
    type,
    org_unit_type,
    is_unit,
    position,
    identifier,
    name,
    coalesce(name, identifier, sourced_id) AS unit_name,
    type || ':' || sourced_id AS own_key,
    own_district AS district,
    is_cycle,
    CASE
        WHEN type = 'district' AND getvariable('school_parent') = 'district' THEN 'organization:root'
        WHEN type = 'district' THEN coalesce(nearest_unit, 'organization:root')
        WHEN type = 'school' AND getvariable('school_parent') = 'district'
            THEN coalesce('district:' || own_district, 'organization:root')
        WHEN type IN ('school', 'department')
            THEN coalesce(nearest_unit, 'district:' || own_district, 'organization:root')
        ELSE coalesce(nearest_unit, 'organization:root')
    END AS parent_key,
    -- Where what belongs to the org hangs: below the org itself, or where the org would hang.
    CASE
        WHEN is_unit THEN type || ':' || sourced_id
        ELSE coalesce(nearest_unit, 'district:' || own_district, 'organization:root')
    END AS home_key
FROM placed

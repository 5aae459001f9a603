-- The school year of every session: that of the schoolYear session above it, else its own.
WITH RECURSIVE live AS (
    SELECT *
    FROM roster.academic_sessions
    WHERE
        source_id = getvariable('source_id')
        AND school_year = getvariable('school_year')
        AND status <> 'tobedeleted'
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

school_years AS (
    SELECT
        ancestors.sourced_id,
        arg_min(live.school_year_ends, distance) AS ends
    FROM ancestors
    INNER JOIN live ON ancestors.ancestor = live.sourced_id
    WHERE live.type = 'schoolYear' AND live.school_year_ends IS NOT NULL
    GROUP BY ancestors.sourced_id
)

SELECT
    live.sourced_id,
    live.type,
    live.title,
    live.status,
    live.start_date,
    live.end_date,
    live.parent_sourced_id,
    coalesce(school_years.ends, live.school_year_ends) AS ends,
    (
        SELECT list(ancestor ORDER BY distance)
        FROM ancestors
        WHERE ancestors.sourced_id = live.sourced_id
    ) AS lineage,
    (
        SELECT count(*)
        FROM ancestors
        WHERE ancestors.sourced_id = live.sourced_id AND ancestor = live.sourced_id AND distance > 0
    ) > 0 AS is_cycle
FROM live
LEFT JOIN school_years ON live.sourced_id = school_years.sourced_id

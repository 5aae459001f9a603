-- The missing schools that have people in them, and whether that is news: the last run that ended well notes those that
-- were missing then.
WITH last_success AS (
    SELECT counts
    FROM sync.runs
    WHERE
        source_id = getvariable('source_id')
        AND school_year = getvariable('school_year')
        AND status = 'success'
    ORDER BY started_at DESC
    LIMIT 1
),

known AS (
    SELECT unnest((counts -> 'vanished_schools')::VARCHAR[]) AS org_unit_key
    FROM last_success
)

SELECT
    missing.org_unit_key,
    missing.name,
    count(DISTINCT enrollment.fields ->> 'user_sourced_id') AS people,
    missing.org_unit_key NOT IN (SELECT org_unit_key FROM known) AS is_news
FROM missing_schools AS missing
INNER JOIN school_of_unit ON missing.org_unit_key = school_of_unit.school_key
INNER JOIN sync.mappings AS enrollment
    ON
        school_of_unit.org_unit_key = (enrollment.fields ->> 'org_unit_key')
        AND enrollment.source_id = getvariable('source_id')
        AND enrollment.kind = 'enrollment'
GROUP BY missing.org_unit_key, missing.name
ORDER BY people DESC, missing.org_unit_key

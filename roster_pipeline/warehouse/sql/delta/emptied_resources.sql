-- Resources of which the latest extract has no row although the last one that was delivered from had some.
WITH extracts AS (
    SELECT resource, rows, mode, is_complete, extracted_at, run_id
    FROM sync.extracts
    WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year')
),

latest AS (
    SELECT resource, arg_max(rows, extracted_at) AS rows, arg_max(mode, extracted_at) AS mode
    FROM extracts
    GROUP BY resource
),

delivered AS (
    SELECT resource, arg_max(rows, extracted_at) AS rows
    FROM extracts
    WHERE
        is_complete
        AND run_id IN (
            SELECT run_id
            FROM sync.runs
            WHERE source_id = getvariable('source_id') AND status = 'success'
        )
    GROUP BY resource
)

SELECT latest.resource, delivered.rows
FROM latest
INNER JOIN delivered ON latest.resource = delivered.resource
WHERE latest.mode = 'bulk' AND latest.rows = 0 AND delivered.rows >= greatest(getvariable('ignore_below'), 1)
ORDER BY latest.resource

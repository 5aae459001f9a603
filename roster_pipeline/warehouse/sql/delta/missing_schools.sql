-- Managed schools that a complete extract no longer holds.
WITH latest_extract AS (
    SELECT arg_max(is_complete, extracted_at) AS is_complete
    FROM sync.extracts
    WHERE
        source_id = getvariable('source_id')
        AND school_year = getvariable('school_year')
        AND resource = 'orgs'
)

SELECT kind || ':' || sourced_id AS org_unit_key, fields ->> 'name' AS name
FROM sync.mappings
WHERE
    source_id = getvariable('source_id')
    AND kind = 'school'
    AND sourced_id NOT IN (
        SELECT sourced_id
        FROM roster.orgs
        WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year')
    )
    AND sourced_id NOT IN (
        SELECT sourced_id
        FROM roster.rejects
        WHERE
            source_id = getvariable('source_id')
            AND school_year = getvariable('school_year')
            AND kind = 'org'
            AND sourced_id IS NOT NULL
    )
    AND org_unit_key NOT IN (SELECT key FROM held_by_later_year)
    AND (SELECT is_complete FROM latest_extract)

-- What a later school year that was delivered holds: a run of an earlier year leaves it alone.
WITH later_years AS (
    SELECT school_year
    FROM sync.runs
    WHERE
        source_id = getvariable('source_id')
        AND school_year > getvariable('school_year')
        AND status = 'success'
        -- Runs that only look at grades or categories deliver nothing.
        AND (counts -> 'delta') IS NOT NULL
    UNION
    -- A run may have delivered and failed after that.
    SELECT school_year
    FROM sync.mappings
    WHERE source_id = getvariable('source_id') AND school_year > getvariable('school_year')
)

SELECT org_unit_key AS key
FROM brightspace.org_units
WHERE source_id = getvariable('source_id') AND school_year IN (FROM later_years)
UNION
SELECT 'user:' || sourced_id AS key
FROM brightspace.users
WHERE source_id = getvariable('source_id') AND school_year IN (FROM later_years)

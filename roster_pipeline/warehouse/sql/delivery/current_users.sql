-- Every managed user as Brightspace will hold them after this delivery.
SELECT sourced_id, after AS fields
FROM delta.users
WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year')
UNION ALL
SELECT sourced_id, fields
FROM sync.mappings
WHERE
    source_id = getvariable('source_id')
    AND kind = 'user'
    AND sourced_id NOT IN (
        SELECT sourced_id
        FROM delta.users
        WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year')
    )

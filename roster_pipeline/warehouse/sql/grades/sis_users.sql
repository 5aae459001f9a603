SELECT sourced_id
FROM roster.users
WHERE
    source_id = getvariable('source_id')
    AND school_year = getvariable('school_year')
    AND status = 'active'
    AND sourced_id IS NOT NULL

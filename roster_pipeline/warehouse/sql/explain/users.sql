SELECT * EXCLUDE (source_id, school_year)
FROM brightspace.users
WHERE
    source_id = getvariable('source_id')
    AND school_year = getvariable('school_year')
    AND is_explained('user', sourced_id)

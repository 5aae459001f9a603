SELECT student_sourced_id, guardian_sourced_id
FROM brightspace.relationships
WHERE
    source_id = getvariable('source_id')
    AND school_year = getvariable('school_year')
    AND is_explained('relationship', pair_key(student_sourced_id, guardian_sourced_id))
ORDER BY ALL

-- Guardian links of the delta for the API.
SELECT
    link.action = 'delete' AS is_removal,
    pair_key(link.student_sourced_id, link.guardian_sourced_id) AS sourced_id,
    link.action,
    student.brightspace_id AS student_id,
    guardian.brightspace_id AS guardian_id
FROM delta.relationships AS link
LEFT JOIN sync.mappings AS student
    ON
        student.source_id = getvariable('source_id')
        AND student.kind = 'user'
        AND link.student_sourced_id = student.sourced_id
LEFT JOIN sync.mappings AS guardian
    ON
        guardian.source_id = getvariable('source_id')
        AND guardian.kind = 'user'
        AND link.guardian_sourced_id = guardian.sourced_id
WHERE
    link.source_id = getvariable('source_id')
    AND link.school_year = getvariable('school_year')
    AND link.action <> 'unmap'

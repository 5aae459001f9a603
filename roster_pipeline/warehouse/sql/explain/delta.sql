SELECT kind, sourced_id, action, reason, changed_fields, before, after
FROM (
    SELECT kind, sourced_id, action, reason, changed_fields, before, after
    FROM delta.org_units
    WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year')
    UNION ALL
    SELECT 'user' AS kind, sourced_id, action, reason, changed_fields, before, after
    FROM delta.users
    WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year')
    UNION ALL
    SELECT
        'relationship' AS kind,
        pair_key(student_sourced_id, guardian_sourced_id) AS sourced_id,
        action,
        reason,
        changed_fields,
        before,
        after
    FROM delta.relationships
    WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year')
    UNION ALL
    SELECT
        'enrollment' AS kind,
        pair_key(user_sourced_id, org_unit_key) AS sourced_id,
        action,
        reason,
        changed_fields,
        before,
        after
    FROM delta.enrollments
    WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year')
)
WHERE is_explained(kind, sourced_id)
ORDER BY kind, sourced_id

-- Every row of the delta as the guard looks at it. A link that changes no field is not a change.
SELECT 'org_units' AS entity, delta.org_unit_key, delta.kind, action, reason
FROM delta.org_units AS delta
WHERE
    source_id = getvariable('source_id')
    AND school_year = getvariable('school_year')
    AND (action <> 'update' OR len(changed_fields) > 0)
UNION ALL
SELECT 'users' AS entity, NULL AS org_unit_key, 'user' AS kind, action, reason
FROM delta.users
WHERE
    source_id = getvariable('source_id')
    AND school_year = getvariable('school_year')
    AND (action <> 'update' OR len(changed_fields) > 0)
UNION ALL
SELECT 'relationships' AS entity, NULL AS org_unit_key, 'relationship' AS kind, action, reason
FROM delta.relationships
WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year')
UNION ALL
SELECT 'enrollments' AS entity, org_unit_key, 'enrollment' AS kind, action, reason
FROM delta.enrollments
WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year')

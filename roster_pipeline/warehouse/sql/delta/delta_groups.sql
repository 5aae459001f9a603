-- The delta as the guard looks at it: how many rows share kind, unit, action and reason. A link that changes no field
-- is not a change.
SELECT 'org_units' AS entity, kind, org_unit_key, action, reason, count(*) AS rows
FROM delta.org_units
WHERE
    source_id = getvariable('source_id')
    AND school_year = getvariable('school_year')
    AND (action <> 'update' OR len(changed_fields) > 0)
GROUP BY ALL
UNION ALL
SELECT 'users' AS entity, 'user' AS kind, NULL AS org_unit_key, action, reason, count(*) AS rows
FROM delta.users
WHERE
    source_id = getvariable('source_id')
    AND school_year = getvariable('school_year')
    AND (action <> 'update' OR len(changed_fields) > 0)
GROUP BY ALL
UNION ALL
SELECT 'relationships' AS entity, 'relationship' AS kind, NULL AS org_unit_key, action, reason, count(*) AS rows
FROM delta.relationships
WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year')
GROUP BY ALL
UNION ALL
SELECT 'enrollments' AS entity, 'enrollment' AS kind, org_unit_key, action, reason, count(*) AS rows
FROM delta.enrollments
WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year')
GROUP BY ALL

-- The delta by what happens and why, the most frequent first.
SELECT entity, action, reason, count(*) AS rows
FROM (
    SELECT 1 AS place, 'org_units' AS entity, action, reason
    FROM delta.org_units
    WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year')
    UNION ALL
    SELECT 2 AS place, 'users' AS entity, action, reason
    FROM delta.users
    WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year')
    UNION ALL
    SELECT 3 AS place, 'relationships' AS entity, action, reason
    FROM delta.relationships
    WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year')
    UNION ALL
    SELECT 4 AS place, 'enrollments' AS entity, action, reason
    FROM delta.enrollments
    WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year')
    UNION ALL
    SELECT 5 AS place, 'content_copies' AS entity, action, reason
    FROM delta.content_copies
    WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year')
)
GROUP BY place, entity, action, reason
ORDER BY place, rows DESC, action, reason

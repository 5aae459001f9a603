-- Findings that can be told by the name of an org unit: its own, and how many enrollments of it differ.
SELECT finding, kind, name, field, expected, found, 1 AS rows, brightspace_id, org_unit_key, next_night
FROM sync.drift
WHERE
    source_id = getvariable('source_id')
    AND school_year = getvariable('school_year')
    AND kind NOT IN ('user', 'enrollment')
UNION ALL
SELECT
    finding,
    kind,
    any_value(name) AS name,
    field,
    NULL AS expected,
    NULL AS found,
    count(*) AS rows,
    NULL AS brightspace_id,
    org_unit_key,
    any_value(next_night) AS next_night
FROM sync.drift
WHERE
    source_id = getvariable('source_id')
    AND school_year = getvariable('school_year')
    AND kind = 'enrollment'
GROUP BY finding, kind, field, org_unit_key
ORDER BY finding, kind, name, org_unit_key, field

-- What is no longer managed asks nothing of Brightspace.
INSERT INTO answered
SELECT kind, sourced_id, NULL, 'delivered', NULL
FROM delta.org_units
WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year') AND action = 'unmap'
UNION ALL
SELECT 'enrollment', pair_key(user_sourced_id, org_unit_key), NULL, 'delivered', NULL
FROM delta.enrollments
WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year') AND action = 'unmap'

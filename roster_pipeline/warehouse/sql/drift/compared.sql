-- How much was compared, and how much was delivered too late to be in what was read.
SELECT 'org_units' AS entity, count(*) AS rows
FROM found_units
WHERE is_seen AND (found_id IS NOT NULL OR is_ambiguous OR getvariable('tells_org_units_whole'))
UNION ALL
SELECT 'users' AS entity, count(*) AS rows
FROM found_users
WHERE is_seen AND (found_id IS NOT NULL OR is_ambiguous OR getvariable('tells_users_whole'))
UNION ALL
SELECT 'enrollments' AS entity, count(*) AS rows
FROM managed_enrollments
WHERE getvariable('way') <> 'files' AND last_delivered_at <= getvariable('enrollments_as_of')
UNION ALL
SELECT
    'newer' AS entity,
    (SELECT count(*) FROM found_units WHERE in_scope AND NOT is_seen)
    + (SELECT count(*) FROM found_users WHERE in_scope AND NOT is_seen)
    + (
        SELECT count(*)
        FROM managed_enrollments
        WHERE last_delivered_at > getvariable('enrollments_as_of')
    ) AS rows

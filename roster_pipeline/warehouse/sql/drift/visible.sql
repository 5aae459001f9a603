-- Of each kind how many are managed, and how many of them Brightspace shows.
SELECT 'org units' AS kind, count(*) AS managed, count(found_id) + count_if(is_ambiguous) AS found
FROM found_units
WHERE is_seen
UNION ALL
SELECT 'users' AS kind, count(*) AS managed, count(found_id) + count_if(is_ambiguous) AS found
FROM found_users
WHERE is_seen
UNION ALL
SELECT 'enrollments' AS kind, count(*) AS managed, (SELECT count(*) FROM existing_enrollments) AS found
FROM managed_enrollments
INNER JOIN found_units ON managed_enrollments.org_unit_key = found_units.org_unit_key
WHERE found_units.found_id IS NOT NULL AND managed_enrollments.last_delivered_at <= getvariable('enrollments_as_of')

INSERT INTO findings (code, kind, sourced_id, detail, position)
SELECT
    'course.org_unknown' AS code,
    'course' AS kind,
    course.sourced_id,
    coalesce(course.org_sourced_id, 'none') AS detail,
    course.position
FROM accepted AS course
ANTI JOIN accepted_orgs AS org ON course.org_sourced_id = org.sourced_id
WHERE course.status <> 'tobedeleted'

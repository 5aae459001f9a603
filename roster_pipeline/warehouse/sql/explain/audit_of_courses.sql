-- Courses are templates, offerings and sections. Enrollments in them are told as numbers, not person by person.
SELECT
    max("at") AS "at",
    run_id,
    route,
    kind,
    CASE WHEN kind <> 'enrollment' THEN sourced_id END AS sourced_id,
    name,
    action,
    outcome,
    count(*) AS rows
FROM sync.audit_log
WHERE
    source_id = getvariable('source_id')
    AND kind IN ('course_template', 'course_offering', 'section', 'enrollment')
    AND (kind <> 'enrollment' OR regexp_matches(sourced_id, '\|(course_offering|section):'))
    AND contains(lower(name), lower(getvariable('asked_name')))
GROUP BY run_id, route, kind, 5, name, action, outcome
ORDER BY "at" DESC, kind, name, sourced_id, action
LIMIT getvariable('rows_shown')::INTEGER

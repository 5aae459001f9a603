-- Brightspace enrolls in the offering whoever it enrolls in the section; a line of its own for the offering would
-- fight with that. What is added comes before what is taken away, so that nobody loses work in between.
SELECT
    pair_key(enrollment.user_sourced_id, enrollment.org_unit_key) AS sourced_id,
    CASE WHEN enrollment.action = 'delete' THEN 'DELETE' ELSE 'UPDATE' END AS action,
    person.fields ->> 'org_defined_id' AS child_code,
    coalesce(enrollment.after, enrollment.before) ->> 'role' AS role_name,
    unit.code AS parent_code,
    CASE WHEN enrollment.action = 'delete' THEN 1 ELSE 0 END AS sort_order
FROM due_enrollments AS enrollment
INNER JOIN current_users AS person ON enrollment.user_sourced_id = person.sourced_id
INNER JOIN unit_codes AS unit ON enrollment.org_unit_key = unit.org_unit_key
WHERE
    enrollment.action IN ('create', 'update', 'delete')
    AND NOT starts_with(enrollment.org_unit_key, 'course_offering:')

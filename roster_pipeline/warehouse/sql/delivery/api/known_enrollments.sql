-- A few enrollments that were delivered earlier and are to stay: who cannot see them sees too little to remove anything.
SELECT person.brightspace_id AS user_id, unit.brightspace_id AS org_unit_id
FROM sync.mappings AS enrollment
INNER JOIN sync.mappings AS person
    ON
        enrollment.source_id = person.source_id
        AND person.kind = 'user'
        AND (enrollment.fields ->> 'user_sourced_id') = person.sourced_id
INNER JOIN sync.mappings AS unit
    ON
        enrollment.source_id = unit.source_id
        AND (enrollment.fields ->> 'org_unit_key') = unit.kind || ':' || unit.sourced_id
ANTI JOIN delta.enrollments AS changed
    ON
        enrollment.source_id = changed.source_id
        AND changed.school_year = getvariable('school_year')
        AND enrollment.sourced_id = pair_key(changed.user_sourced_id, changed.org_unit_key)
WHERE
    enrollment.source_id = getvariable('source_id')
    AND enrollment.kind = 'enrollment'
    AND unit.kind = 'course_offering'
    AND person.brightspace_id IS NOT NULL
    AND unit.brightspace_id IS NOT NULL
LIMIT 10

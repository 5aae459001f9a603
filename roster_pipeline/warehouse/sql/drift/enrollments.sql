-- What became of managed enrollments, and who else is in managed courses.
WITH places AS (
    SELECT
        enrollment.*,
        person.found_id AS user_id,
        unit.found_id AS unit_id,
        unit.kind AS unit_kind,
        unit.name,
        coalesce(role_names.name, enrollment."role") AS role_there
    FROM managed_enrollments AS enrollment
    INNER JOIN found_users AS person ON enrollment.user_sourced_id = person.sourced_id
    INNER JOIN found_units AS unit ON enrollment.org_unit_key = unit.org_unit_key
    LEFT JOIN role_names ON lower(enrollment."role") = role_names.text
    WHERE
        person.found_id IS NOT NULL
        AND unit.found_id IS NOT NULL
        AND person.last_delivered_at <= getvariable('users_as_of')
        AND unit.is_seen
        AND enrollment.last_delivered_at <= getvariable('enrollments_as_of')
),

known AS (
    SELECT person.found_id AS user_id, unit.found_id AS unit_id
    FROM managed_enrollments AS enrollment
    INNER JOIN found_users AS person ON enrollment.user_sourced_id = person.sourced_id
    INNER JOIN found_units AS unit ON enrollment.org_unit_key = unit.org_unit_key
),

-- What the integration ended itself is still in a full extract that is older.
ended AS (
    SELECT DISTINCT sourced_id
    FROM sync.audit_log
    WHERE
        source_id = getvariable('source_id')
        AND kind = 'enrollment'
        AND action = 'delete'
        AND outcome = 'delivered'
        AND "at" >= getvariable('enrollments_full_as_of')
),

unknown AS (
    SELECT
        there.user_id,
        there."role",
        unit.org_unit_key,
        unit.kind,
        unit.sourced_id AS class_sourced_id,
        unit.name,
        unit.is_desired,
        person.sourced_id AS user_sourced_id
    FROM existing_enrollments AS there
    INNER JOIN found_units AS unit ON there.org_unit_id = unit.found_id
    LEFT JOIN found_users AS person ON there.user_id = person.found_id
    ANTI JOIN known ON there.user_id = known.user_id AND there.org_unit_id = known.unit_id
    WHERE
        unit.kind IN ('section', 'course_offering')
        AND unit.is_seen
        AND NOT there.is_inherited
        AND (
            person.sourced_id IS NULL
            OR pair_key(person.sourced_id, unit.org_unit_key) NOT IN (SELECT sourced_id FROM ended)
        )
)

SELECT
    'enrollment' AS kind,
    places.sourced_id,
    places.org_unit_key,
    places.user_id AS brightspace_id,
    places.name,
    CASE WHEN there.user_id IS NULL THEN 'enrollment_missing' ELSE 'enrollment_role_changed' END AS finding,
    CASE WHEN there.user_id IS NOT NULL THEN 'role' END AS field,
    places."role" AS expected,
    there."role" AS found,
    next_night(
        CASE WHEN there.user_id IS NULL THEN 'enrollment_missing' ELSE 'enrollment_role_changed' END,
        places.unit_kind,
        'role',
        places.is_desired
    ) AS next_night
FROM places
LEFT JOIN existing_enrollments AS there ON places.user_id = there.user_id AND places.unit_id = there.org_unit_id
WHERE there.user_id IS NULL OR lower(there."role") <> lower(places.role_there)
UNION ALL
SELECT
    'enrollment' AS kind,
    CASE WHEN unknown.user_sourced_id IS NOT NULL THEN pair_key(unknown.user_sourced_id, unknown.org_unit_key) END
        AS sourced_id,
    unknown.org_unit_key,
    unknown.user_id AS brightspace_id,
    unknown.name,
    'enrollment_unknown' AS finding,
    NULL AS field,
    NULL AS expected,
    unknown."role" AS found,
    next_night('enrollment_unknown', unknown.kind, NULL, unknown.is_desired) AS next_night
FROM unknown
-- Whoever is in a section is in its offering too: told once.
LEFT JOIN unknown AS in_section
    ON
        unknown.kind = 'course_offering'
        AND in_section.kind = 'section'
        AND unknown.class_sourced_id = in_section.class_sourced_id
        AND unknown.user_id = in_section.user_id
WHERE in_section.user_id IS NULL

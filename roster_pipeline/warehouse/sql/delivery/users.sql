-- One line of a user replaces all of the user's relationships, so every line carries the whole set.
WITH changed AS (
    SELECT sourced_id
    FROM due_users
    UNION
    SELECT student_sourced_id AS sourced_id
    FROM due_relationships
),

relationships AS (
    SELECT student_sourced_id, guardian_sourced_id
    FROM due_relationships
    WHERE action = 'create'
    UNION
    SELECT fields ->> 'student_sourced_id' AS student_sourced_id, fields ->> 'guardian_sourced_id' AS guardian_sourced_id
    FROM sync.mappings
    WHERE
        source_id = getvariable('source_id')
        AND kind = 'relationship'
        AND sourced_id NOT IN (
            SELECT pair_key(student_sourced_id, guardian_sourced_id)
            FROM due_relationships
            WHERE action = 'delete'
        )
),

guardians AS (
    SELECT
        link.student_sourced_id,
        string_agg('Parent:' || (guardian.fields ->> 'org_defined_id'), '|' ORDER BY guardian.sourced_id) AS links
    FROM relationships AS link
    SEMI JOIN changed ON link.student_sourced_id = changed.sourced_id
    INNER JOIN current_users AS guardian ON link.guardian_sourced_id = guardian.sourced_id
    GROUP BY link.student_sourced_id
)

SELECT
    person.sourced_id,
    'UPDATE' AS action,
    person.fields ->> 'username' AS username,
    person.fields ->> 'org_defined_id' AS org_defined_id,
    person.fields ->> 'first_name' AS first_name,
    person.fields ->> 'last_name' AS last_name,
    (person.fields ->> 'is_active')::BOOLEAN AS is_active,
    person.fields ->> 'role' AS role_name,
    person.fields ->> 'email' AS email,
    guardians.links AS relationships,
    -- A learner's line names guardians, who must be known by then.
    CASE WHEN guardians.links IS NULL THEN 0 ELSE 1 END AS sort_order
FROM changed
INNER JOIN current_users AS person ON changed.sourced_id = person.sourced_id
LEFT JOIN guardians ON changed.sourced_id = guardians.student_sourced_id

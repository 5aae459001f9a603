-- What became of managed users. A name is never told here: the column is for org units.
WITH fields AS (
    SELECT
        person.sourced_id,
        unnest([
            {
                'field': 'username',
                'expected': fields ->> 'username',
                'found': found_username,
                'differs': person.username IS DISTINCT FROM lower(found_username)
            },
            {
                'field': 'org_defined_id',
                'expected': org_defined_id,
                'found': found_org_defined_id,
                'differs': org_defined_id IS DISTINCT FROM found_org_defined_id
            },
            {
                'field': 'first_name',
                'expected': fields ->> 'first_name',
                'found': found_first_name,
                'differs': getvariable('tells_names') AND clean(fields ->> 'first_name') IS DISTINCT FROM found_first_name
            },
            {
                'field': 'last_name',
                'expected': fields ->> 'last_name',
                'found': found_last_name,
                'differs': getvariable('tells_names') AND clean(fields ->> 'last_name') IS DISTINCT FROM found_last_name
            },
            {
                'field': 'email',
                'expected': fields ->> 'email',
                'found': found_email,
                'differs': getvariable('tells_emails') AND clean(fields ->> 'email') IS DISTINCT FROM found_email
            },
            {
                'field': 'role',
                'expected': fields ->> 'role',
                'found': found_role,
                'differs': lower(coalesce(role_names.name, fields ->> 'role')) <> lower(found_role)
            },
            {
                'field': 'is_active',
                'expected': fields ->> 'is_active',
                'found': found_active::VARCHAR,
                'differs': (fields ->> 'is_active')::BOOLEAN <> found_active
            }
        ], recursive := true)
    FROM found_users AS person
    LEFT JOIN role_names ON lower(person.fields ->> 'role') = role_names.text
    WHERE person.found_id IS NOT NULL
),

ids AS (
    SELECT person.sourced_id, count(*) AS others
    FROM found_users AS person
    INNER JOIN existing_users AS other ON person.org_defined_id = other.org_defined_id
    WHERE
        (person.found_id IS NOT NULL OR person.is_ambiguous)
        AND other.brightspace_id IS DISTINCT FROM person.found_id
        AND other.brightspace_id NOT IN (SELECT found_id FROM found_users WHERE found_id IS NOT NULL)
    GROUP BY person.sourced_id
),

findings AS (
    SELECT sourced_id, 'missing' AS finding, NULL AS field, NULL AS expected, NULL AS found
    FROM found_users
    WHERE found_id IS NULL AND NOT is_ambiguous AND getvariable('tells_users_whole')
    UNION ALL
    SELECT sourced_id, 'changed' AS finding, field, expected, found
    FROM fields
    WHERE differs
    UNION ALL
    SELECT
        ids.sourced_id,
        'duplicate_code' AS finding,
        'org_defined_id' AS field,
        '1' AS expected,
        (ids.others + CASE WHEN person.is_ambiguous THEN 0 ELSE 1 END)::VARCHAR AS found
    FROM ids
    INNER JOIN found_users AS person ON ids.sourced_id = person.sourced_id
)

SELECT
    'user' AS kind,
    person.sourced_id,
    NULL AS org_unit_key,
    coalesce(person.found_id, person.brightspace_id) AS brightspace_id,
    NULL AS name,
    findings.finding,
    findings.field,
    findings.expected,
    findings.found,
    next_night(findings.finding, 'user', findings.field, person.is_desired) AS next_night
FROM findings
INNER JOIN found_users AS person ON findings.sourced_id = person.sourced_id
WHERE person.is_seen

-- Users that Brightspace would refuse, and roles that nothing is known about.
INSERT INTO findings (code, kind, sourced_id, detail, position)
SELECT
    'role.unmapped' AS code,
    'user' AS kind,
    sourced_id,
    role AS detail,
    position
FROM roster.users
WHERE
    source_id = getvariable('source_id')
    AND school_year = getvariable('school_year')
    AND status <> 'tobedeleted'
    AND role NOT IN (SELECT sis_role FROM role_rules)
UNION ALL
SELECT
    'user.login_invalid' AS code,
    'user' AS kind,
    sourced_id,
    regexp_extract(username || ' ' || org_defined_id, getvariable('refused_in_logins')) AS detail,
    position
FROM eligible_users
WHERE
    getvariable('standard_csv')
    AND regexp_matches(username || ' ' || org_defined_id, getvariable('refused_in_logins'))
UNION ALL
SELECT
    'user.org_defined_id_missing' AS code,
    'user' AS kind,
    sourced_id,
    array_to_string(org_defined_id_sources, ', ') AS detail,
    position
FROM eligible_users
WHERE org_defined_id IS NULL
UNION ALL
SELECT
    'user.name_too_long' AS code,
    'user' AS kind,
    sourced_id,
    NULL AS detail,
    position
FROM eligible_users
WHERE len(given_name) > 64 OR len(family_name) > 64;

INSERT INTO findings (code, kind, sourced_id, detail, position)
WITH takers AS (
    FROM users_of_year
),

repeated AS (
    SELECT lower(username) AS login
    FROM takers
    GROUP BY login
    HAVING count(*) > 1
),

ranked AS (
    SELECT
        sourced_id,
        position,
        first_value(sourced_id) OVER (PARTITION BY lower(username) ORDER BY sourced_id) AS holder
    FROM takers
    WHERE lower(username) IN (SELECT login FROM repeated)
)

SELECT
    'user.username_duplicate' AS code,
    'user' AS kind,
    sourced_id,
    holder AS detail,
    position
FROM ranked
WHERE sourced_id <> holder;

INSERT INTO findings (code, kind, sourced_id, detail, position)
WITH takers AS (
    FROM users_of_year
),

repeated AS (
    SELECT org_defined_id
    FROM takers
    GROUP BY org_defined_id
    HAVING count(*) > 1
),

ranked AS (
    SELECT
        sourced_id,
        position,
        first_value(sourced_id) OVER (PARTITION BY org_defined_id ORDER BY sourced_id) AS holder
    FROM takers
    WHERE org_defined_id IN (FROM repeated)
)

SELECT
    'user.org_defined_id_duplicate' AS code,
    'user' AS kind,
    sourced_id,
    holder AS detail,
    position
FROM ranked
WHERE sourced_id <> holder;

INSERT INTO findings (code, kind, sourced_id, detail, position)
SELECT
    'user.org_defined_id_fallback' AS code,
    'user' AS kind,
    sourced_id,
    org_defined_id_sources[list_position(org_defined_ids, org_defined_id)] AS detail,
    position
FROM users_of_year
WHERE org_defined_ids[1] IS NULL
UNION ALL
SELECT
    'name.character_replaced' AS code,
    'user' AS kind,
    sourced_id,
    NULL AS detail,
    position
FROM users_of_year
WHERE deliverable(given_name) <> given_name OR deliverable(family_name) <> family_name

-- New users for whom Brightspace may hold an account already, and what became of the search for each.
WITH mapped AS (
    SELECT
        brightspace_id,
        lower(fields ->> 'username') AS username,
        fields ->> 'org_defined_id' AS org_defined_id
    FROM sync.mappings
    WHERE source_id = getvariable('source_id') AND kind = 'user'
),

there AS (
    SELECT
        *,
        CASE WHEN getvariable('link_users_by') = 'username' THEN lower(username) ELSE org_defined_id END AS link_key,
        coalesce(brightspace_id IN (SELECT brightspace_id FROM mapped), false)
        OR coalesce(lower(username) IN (SELECT username FROM mapped), false)
        OR coalesce(org_defined_id IN (SELECT org_defined_id FROM mapped), false) AS is_managed
    FROM existing_users
),

matched AS (
    SELECT
        link_key,
        count(*) AS times_in_brightspace,
        bool_or(is_managed) AS is_managed,
        any_value(brightspace_id) AS brightspace_id,
        any_value({
            'username': username,
            'org_defined_id': org_defined_id,
            'first_name': first_name,
            'last_name': last_name,
            'email': email,
            'role': "role",
            'is_active': is_active,
            'sis_is_active': is_active,
            'brightspace_id': brightspace_id
        }) AS account
    FROM there
    WHERE getvariable('link_users') AND link_key IS NOT NULL
    GROUP BY link_key
),

judged AS (
    SELECT
        candidate.sourced_id,
        candidate.username,
        candidate.link_key,
        matched.account,
        CASE
            WHEN matched.link_key IS NULL THEN 'none'
            WHEN matched.times_in_brightspace > 1 THEN 'ambiguous'
            WHEN matched.is_managed THEN 'managed'
            ELSE 'linked'
        END AS verdict
    FROM user_candidates AS candidate
    LEFT JOIN matched ON candidate.link_key = matched.link_key
)

SELECT
    judged.sourced_id,
    judged.account,
    judged.verdict,
    judged.verdict <> 'linked' AND judged.username IN (SELECT lower(username) FROM existing_users) AS username_taken
FROM judged

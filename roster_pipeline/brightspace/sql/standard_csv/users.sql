-- Sign-in is single sign-on, so the password stays empty; a school's roster has no preferred names.
WITH file_rows AS (
    SELECT
        'user' AS type,
        action,
        username,
        org_defined_id,
        first_name,
        last_name,
        NULL AS password,
        CAST(is_active AS TINYINT) AS is_active,
        role_name,
        nullif(email, '') AS email,
        nullif(relationships, '') AS relationships,
        NULL AS pref_first_name,
        NULL AS pref_last_name,
        NULL AS sort_last_name,
        NULL AS pronouns,
        sort_order
    FROM {users}
)
SELECT {columns}
FROM file_rows
ORDER BY sort_order, action DESC, org_defined_id

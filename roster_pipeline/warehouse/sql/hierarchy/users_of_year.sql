-- The eligible users that Brightspace can take: a username and an org-defined id belong to one user each.
SELECT person.*
FROM eligible_users AS person
ANTI JOIN (
    SELECT position
    FROM findings
    WHERE
        code IN (
            'user.username_duplicate', 'user.org_defined_id_duplicate', 'user.org_defined_id_missing',
            'user.login_invalid', 'user.name_too_long'
        )
) AS refused USING (position)

-- New users, for whom Brightspace may hold an account already.
SELECT
    sourced_id,
    lower(username) AS username,
    -- Login names differ by more than their letters' case; ids of the SIS are compared as they are.
    CASE WHEN getvariable('link_users_by') = 'username' THEN lower(username) ELSE org_defined_id END AS link_key
FROM brightspace.users
WHERE
    source_id = getvariable('source_id')
    AND school_year = getvariable('school_year')
    AND sourced_id NOT IN (
        SELECT sourced_id FROM sync.mappings WHERE source_id = getvariable('source_id') AND kind = 'user'
    )
    AND 'user:' || sourced_id NOT IN (SELECT key FROM held_by_later_year)

-- Every managed user as Brightspace will hold them after this delivery.
SELECT sourced_id, after AS fields
FROM due_users
UNION ALL
SELECT sourced_id, fields
FROM sync.mappings
WHERE
    source_id = getvariable('source_id')
    AND kind = 'user'
    AND sourced_id NOT IN (SELECT sourced_id FROM due_users)

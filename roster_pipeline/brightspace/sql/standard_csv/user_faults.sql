-- What the field limits of the Users file do not say.
SELECT 'user' AS entity, org_defined_id AS key, 'unknown_action' AS fault, 'action' AS field, action AS value
FROM {users}
WHERE action NOT IN ('UPDATE', 'DELETE')
UNION ALL
SELECT 'user', org_defined_id, 'missing', 'is_active', NULL
FROM {users}
WHERE is_active IS NULL
UNION ALL
SELECT 'user', org_defined_id, 'bad_relationships', 'relationships', relationships
FROM {users}
WHERE relationships <> '' AND NOT regexp_full_match(relationships, '{relationships_pattern}')

-- What only the three relations together can show about enrollments.
SELECT
    'enrollment' AS entity, {key} AS key, 'unknown_action' AS fault, 'action' AS field, action AS value
FROM {enrollments}
WHERE action NOT IN ('UPDATE', 'DELETE')
UNION ALL
SELECT 'enrollment', {key}, 'user_deleted', 'child_code', child_code
FROM {enrollments}
WHERE action = 'UPDATE' AND child_code IN (SELECT org_defined_id FROM {users} WHERE action = 'DELETE')
UNION ALL
SELECT 'enrollment', {key}, 'org_unit_deleted', 'parent_code', parent_code
FROM {enrollments}
WHERE action = 'UPDATE' AND parent_code IN (SELECT code FROM {org_units} WHERE action = 'DELETE')

SELECT user_id, org_role_id AS role_id
FROM users
WHERE org_role_id IS NOT NULL

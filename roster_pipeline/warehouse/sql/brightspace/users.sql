SELECT
    sourced_id,
    username,
    org_defined_id,
    deliverable(given_name) AS first_name,
    deliverable(family_name) AS last_name,
    deliverable(email) AS email,
    brightspace_role AS role,
    role AS sis_role,
    enabled_user AND status = 'active' AS is_active
FROM users_of_year

-- User 0 is the system itself.
SELECT user_id, user_name AS username, org_defined_id, first_name, last_name, external_email AS email, is_active
FROM users
WHERE user_id <> 0

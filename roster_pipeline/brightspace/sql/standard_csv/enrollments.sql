-- Where the caller gives no order, additions come first: a removal that leaves a user without any section takes the
-- user out of the offering too, and the work there with it.
SELECT {columns}
FROM (SELECT 'enrollment' AS type, * FROM {enrollments})
ORDER BY sort_order, action DESC, parent_code, child_code

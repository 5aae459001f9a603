SELECT
    enrollment.user_id,
    enrollment.org_unit_id,
    enrollment.role_id,
    starts_with(lower(enrollment.enrollment_type), 'cascad') AS is_inherited
FROM enrollments AS enrollment
SEMI JOIN asked ON enrollment.org_unit_id = asked.org_unit_id AND asked.enrollments

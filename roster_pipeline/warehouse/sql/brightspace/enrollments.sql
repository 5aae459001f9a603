SELECT
    user_sourced_id,
    unnest(['course_offering:' || class_sourced_id, 'section:' || class_sourced_id]) AS org_unit_key,
    brightspace_role AS role,
    begin_date,
    end_date,
    unnest([2 * rowid, 2 * rowid + 1]) AS row_id
FROM class_enrollments
UNION ALL
SELECT
    sourced_id AS user_sourced_id,
    own_key AS org_unit_key,
    brightspace_role AS role,
    NULL AS begin_date,
    NULL AS end_date,
    -1 - rowid AS row_id
FROM upper_enrollments

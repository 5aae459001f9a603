-- Grade items as read, one row an item: of several the newest counts.
SELECT
    clean(item_id) AS item_id,
    clean(class_sourced_id) AS class_sourced_id,
    clean_name(name) AS name,
    plain_text(description) AS description,
    parse_item_type(type) AS type,
    parse_points(max_points) AS max_points,
    nullif(clean(category_id), '0') AS category_id,
    clean(academic_session_id) AS academic_session_id,
    local_date(activity_due_date) AS activity_due_date,
    local_date(activity_end_date) AS activity_end_date,
    parse_boolean(include_in_final) AS include_in_final,
    lower(clean(grading_mode)) AS grading_mode,
    regexp_replace(lower(clean(assessment_type)), '[^a-z0-9]+', '_', 'g') AS assessment_type,
    clean(assigned_by) AS assigned_by,
    local_date(assigned_date) AS assigned_date,
    coalesce(parse_boolean(is_deleted), false) AS is_deleted,
    parse_timestamp(last_modified) AS last_modified
FROM raw_grade_items
WHERE clean(item_id) IS NOT NULL
QUALIFY row_number() OVER (
    PARTITION BY clean(item_id)
    ORDER BY parse_timestamp(last_modified) DESC NULLS LAST, coalesce(parse_boolean(is_deleted), false), name, max_points
) = 1

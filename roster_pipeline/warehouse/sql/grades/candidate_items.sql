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
    trim(regexp_replace(lower(clean(assessment_type)), '[^a-z0-9]+', '_', 'g'), '_') AS assessment_type,
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

UNION ALL BY NAME

-- What is missing where everything was read has been deleted; what it was stands where it was judged last.
SELECT
    item_id,
    class_sourced_id,
    name,
    description,
    type,
    max_points,
    category_id,
    academic_session_id,
    activity_due_date,
    activity_end_date,
    include_in_final,
    grading_mode,
    assessment_type,
    assigned_by,
    assigned_date,
    true AS is_deleted,
    last_modified
FROM grades.items
WHERE
    source_id = getvariable('source_id')
    AND school_year = getvariable('school_year')
    AND class_sourced_id IN (SELECT id FROM raw_read_whole WHERE kind = 'class')
    AND item_id NOT IN (SELECT clean(item_id) FROM raw_grade_items WHERE clean(item_id) IS NOT NULL)

-- Scores as read, one row an item and student: of several the newest counts.
SELECT
    clean(item_id) AS item_id,
    clean(student_sourced_id) AS student_sourced_id,
    parse_points(points) AS points,
    clean(comment) AS comment,
    coalesce(parse_boolean(is_exempt), false) AS is_exempt,
    parse_boolean(is_submitted) AS is_submitted,
    coalesce(parse_boolean(is_deleted), false) AS is_deleted,
    parse_timestamp(last_modified) AS last_modified
FROM raw_scores
WHERE clean(item_id) IS NOT NULL AND clean(student_sourced_id) IS NOT NULL
QUALIFY row_number() OVER (
    PARTITION BY clean(item_id), clean(student_sourced_id)
    ORDER BY parse_timestamp(last_modified) DESC NULLS LAST, coalesce(parse_boolean(is_deleted), false), points DESC NULLS LAST
) = 1

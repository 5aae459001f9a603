-- What an export leaves out, for its record: objects given up, and where `tells_skipped` every item not eligible.
SELECT
    'line_item' AS kind,
    item.local_id,
    item.sourced_id,
    item.class_sourced_id,
    item.course_name,
    item.name AS item,
    NULL AS student,
    NULL::DOUBLE AS score,
    'failed' AS reason,
    'stuck' AS outcome,
    'refused again and again; change it in the gradebook or settle it in the SIS' AS error
FROM export_line_items AS item
WHERE item.is_stuck

UNION ALL

SELECT
    'result',
    local_id,
    sourced_id,
    class_sourced_id,
    course_name,
    name,
    student_sourced_id,
    sent_points,
    'failed',
    'stuck',
    'refused again and again; change it in the gradebook or settle it in the SIS'
FROM export_results
WHERE is_stuck

UNION ALL

SELECT
    'line_item',
    item_id,
    NULL,
    class_sourced_id,
    course_name,
    name,
    NULL,
    NULL,
    reason_not_eligible,
    'skipped',
    NULL
FROM grades.items
WHERE
    getvariable('tells_skipped')
    AND source_id = getvariable('source_id')
    AND school_year = getvariable('school_year')
    AND NOT eligible
    AND reason_not_eligible <> 'deleted'
    AND in_scope(class_sourced_id, academic_session_id)

WITH described AS (
    SELECT
        score.*,
        item.item_id IS NOT NULL AS has_item,
        item.class_sourced_id,
        item.max_points,
        item.reason_not_eligible AS item_reason,
        student.student_sourced_id IS NOT NULL AS is_in_class,
        CASE
            WHEN score.points IS NOT NULL THEN score.points
            WHEN
                getvariable('policy_zero_for_missing')
                AND NOT score.is_exempt
                AND score.is_submitted = false
                AND coalesce(item.activity_due_date, item.activity_end_date) < getvariable('as_of')
                THEN 0
        END AS sent_points
    FROM candidate_scores AS score
    LEFT JOIN grades.items AS item
        ON
            item.source_id = getvariable('source_id')
            AND item.school_year = getvariable('school_year')
            AND score.item_id = item.item_id
    LEFT JOIN item_students AS student
        ON item.class_sourced_id = student.class_sourced_id AND score.student_sourced_id = student.student_sourced_id
)

SELECT
    item_id,
    class_sourced_id,
    student_sourced_id,
    points,
    comment,
    is_exempt,
    is_submitted,
    is_deleted,
    last_modified,
    -- The standard wants a number even where it does not count.
    CASE WHEN is_exempt THEN coalesce(sent_points, 0) ELSE sent_points END AS sent_points,
    CASE
        WHEN NOT has_item THEN 'item_unknown'
        WHEN item_reason = 'deleted' THEN 'item_deleted'
        WHEN item_reason IS NOT NULL THEN 'item_not_eligible'
        WHEN NOT is_in_class THEN 'student_not_in_class'
        WHEN is_exempt AND getvariable('policy_exempt') = 'withheld' THEN 'excluded'
        WHEN is_deleted THEN 'deleted'
        WHEN NOT is_exempt AND described.sent_points IS NULL THEN 'not_graded'
        WHEN
            getvariable('policy_whole_numbers')
            AND getvariable('whole_number_scope') = 'score_and_max'
            AND NOT is_whole(described.sent_points)
            THEN 'score_not_whole'
    END AS reason_not_eligible,
    reason_not_eligible IS NULL AS eligible
FROM described

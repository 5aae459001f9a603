-- Items that have a mark; where missing work counts as zero, the passing of the due date marks it.
SELECT DISTINCT score.item_id
FROM candidate_scores AS score
INNER JOIN candidate_items AS item ON score.item_id = item.item_id
WHERE
    NOT score.is_deleted
    AND (
        score.points IS NOT NULL
        OR (
            getvariable('policy_zero_for_missing')
            AND score.is_submitted = false
            AND coalesce(item.activity_due_date, item.activity_end_date) < getvariable('as_of')
        )
    )

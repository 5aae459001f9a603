-- What was deleted in the gradebook and may still be in the SIS.
WITH maybe_there AS (
    SELECT *
    FROM grades.export_ledger
    WHERE
        source_id = getvariable('source_id')
        AND state NOT IN ('deleted_sent', 'deleted_local')
        AND last_sent_at IS NOT NULL
),

items AS (
    SELECT *
    FROM grades.items
    WHERE
        source_id = getvariable('source_id')
        AND school_year = getvariable('school_year')
        AND in_scope(class_sourced_id, academic_session_id)
)

SELECT
    ledger.kind,
    ledger.local_id,
    ledger.sourced_id,
    ledger.item_id,
    item.class_sourced_id,
    item.course_name,
    item.name,
    NULL AS student_sourced_id
FROM maybe_there AS ledger
INNER JOIN items AS item ON ledger.item_id = item.item_id
WHERE ledger.kind = 'line_item' AND item.reason_not_eligible = 'deleted'

UNION ALL

-- Where deletes are sent, a deleted item takes its results along; else they stay as they are, for the day it returns.
SELECT
    ledger.kind,
    ledger.local_id,
    ledger.sourced_id,
    ledger.item_id,
    item.class_sourced_id,
    item.course_name,
    item.name,
    ledger.student_sourced_id
FROM maybe_there AS ledger
INNER JOIN items AS item ON ledger.item_id = item.item_id
LEFT JOIN grades.scores AS score
    ON
        score.source_id = getvariable('source_id')
        AND score.school_year = getvariable('school_year')
        AND score.item_id = ledger.item_id
        AND score.student_sourced_id = ledger.student_sourced_id
WHERE
    ledger.kind = 'result'
    AND (
        (item.reason_not_eligible = 'deleted' AND getvariable('policy_deletes') = 'sent')
        -- A mark that was taken back is a deleted one.
        OR (item.eligible AND score.reason_not_eligible IN ('deleted', 'not_graded'))
    )

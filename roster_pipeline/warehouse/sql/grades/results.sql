-- Every eligible score as the SIS should have it, beside what the ledger knows. With cascades a result is due again
-- when its item or its category is.
WITH wanted AS (
    SELECT
        pair_key(score.item_id, score.student_sourced_id) AS local_id,
        score.item_id,
        parent.class_sourced_id,
        parent.course_name,
        parent.name,
        score.student_sourced_id,
        score.sent_points,
        score.last_modified,
        parent.sourced_id AS line_item_sourced_id,
        parent.is_stuck AS is_parent_stuck,
        parent.hash_now AS parent_hash,
        to_json({
            'item': score.item_id,
            'student': score.student_sourced_id,
            'score': score.sent_points,
            'status': CASE WHEN score.is_exempt THEN 'exempt' ELSE getvariable('score_status_for_graded') END,
            'date': local_day(score.last_modified),
            'comment': score.comment
        }) AS content
    FROM grades.scores AS score
    INNER JOIN export_line_items AS parent ON score.item_id = parent.item_id
    WHERE
        score.source_id = getvariable('source_id')
        AND score.school_year = getvariable('school_year')
        AND score.eligible
),

hashed AS (
    SELECT
        *,
        sha256(
            content::VARCHAR || CASE WHEN getvariable('policy_cascades') THEN parent_hash ELSE '' END
        ) AS hash_now
    FROM wanted
)

SELECT
    hashed.*,
    coalesce(
        ledger.sourced_id,
        uuid5(
            getvariable('id_namespace'),
            getvariable('source_id') || '|result|' || hashed.item_id || '|' || hashed.student_sourced_id
        )
    ) AS sourced_id,
    ledger.state,
    ledger.payload_hash AS known_hash,
    ledger.content AS known_content,
    coalesce(
        ledger.refusals >= getvariable('policy_refusals_until_given_up')::INTEGER
        AND ledger.refused_hash = hashed.hash_now,
        false
    ) AS is_stuck
FROM hashed
LEFT JOIN grades.export_ledger AS ledger
    ON
        ledger.source_id = getvariable('source_id')
        AND ledger.kind = 'result'
        AND ledger.local_id = hashed.local_id

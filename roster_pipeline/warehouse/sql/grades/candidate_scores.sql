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

UNION ALL BY NAME

-- A mark that was sent and is missing where every mark was read has been taken back.
SELECT
    ledger.item_id,
    ledger.student_sourced_id,
    NULL::DOUBLE AS points,
    NULL::VARCHAR AS comment,
    false AS is_exempt,
    NULL::BOOLEAN AS is_submitted,
    true AS is_deleted,
    NULL::TIMESTAMP AS last_modified
FROM grades.export_ledger AS ledger
ANTI JOIN raw_scores AS score
    ON ledger.item_id = clean(score.item_id) AND ledger.student_sourced_id = clean(score.student_sourced_id)
WHERE
    ledger.source_id = getvariable('source_id')
    AND ledger.kind = 'result'
    AND ledger.item_id IN (SELECT id FROM raw_read_whole WHERE kind = 'item')

-- What is due, in the order in which it must be written inside a class: results go before their line item is deleted
-- and come after it is put.
WITH due_line_items AS (
    SELECT *
    FROM export_line_items
    WHERE is_due(state, known_hash, hash_now) AND NOT is_stuck
),

due_results AS (
    SELECT *
    FROM export_results
    WHERE is_due(state, known_hash, hash_now) AND NOT is_stuck AND NOT is_parent_stuck
)

SELECT
    class_sourced_id,
    1 AS step,
    'delete' AS action,
    kind,
    local_id,
    sourced_id,
    item_id,
    course_name,
    name,
    student_sourced_id,
    NULL::DOUBLE AS score,
    'deleted' AS reason,
    NULL::JSON AS content,
    NULL AS payload_hash,
    NULL AS body,
    false AS keeps_category
FROM export_deletions
WHERE kind = 'result' AND getvariable('policy_deletes') = 'sent'

UNION ALL

SELECT
    class_sourced_id,
    2,
    'put',
    'line_item',
    local_id,
    sourced_id,
    item_id,
    course_name,
    name,
    NULL,
    NULL,
    due_reason(state, known_hash, known_content, content),
    content,
    hash_now,
    without_nulls({
        'lineItem': {
            'sourcedId': sourced_id,
            'status': 'active',
            'dateLastModified': one_roster_time(coalesce(last_modified, getvariable('started_at'))),
            'title': content ->> 'title',
            'description': content ->> 'description',
            'assignDate': (content ->> 'date') || 'T00:00:00.000Z',
            'dueDate': (content ->> 'date') || 'T00:00:00.000Z',
            'class': guid_ref('classes', 'class', class_sourced_id),
            'category': guid_ref('categories', 'category', content ->> 'category'),
            'gradingPeriod': guid_ref('gradingPeriods', 'academicSession', content ->> 'session'),
            'resultValueMin': 0.0::DOUBLE,
            'resultValueMax': (content ->> 'max')::DOUBLE
        }
    }),
    -- After the first time the category is the teacher's, unless the one we would send is another now.
    getvariable('policy_sends_category')
    AND NOT getvariable('policy_resends_category')
    AND coalesce((known_content ->> 'category') = (content ->> 'category'), false)
FROM due_line_items

UNION ALL

SELECT
    class_sourced_id,
    3,
    'put',
    'result',
    local_id,
    sourced_id,
    item_id,
    course_name,
    name,
    student_sourced_id,
    sent_points,
    due_reason(state, known_hash, known_content, content),
    content,
    hash_now,
    without_nulls({
        'result': {
            'sourcedId': sourced_id,
            'status': 'active',
            'dateLastModified': one_roster_time(coalesce(last_modified, getvariable('started_at'))),
            'lineItem': guid_ref('lineItems', 'lineItem', line_item_sourced_id),
            'student': guid_ref('users', 'user', student_sourced_id),
            'scoreStatus': content ->> 'status',
            'score': sent_points,
            -- A score without a date of its own gets the day of the export, which is no change of the score.
            'scoreDate': coalesce(content ->> 'date', getvariable('as_of')::VARCHAR),
            'comment': content ->> 'comment'
        }
    }),
    false
FROM due_results

UNION ALL

SELECT
    class_sourced_id,
    4,
    'delete',
    kind,
    local_id,
    sourced_id,
    item_id,
    course_name,
    name,
    NULL,
    NULL,
    'deleted',
    NULL,
    NULL,
    NULL,
    false
FROM export_deletions
WHERE kind = 'line_item' AND getvariable('policy_deletes') = 'sent'

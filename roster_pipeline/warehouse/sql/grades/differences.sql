-- The ledger's content beside what was read back as `there` (kind, class_sourced_id, document).
WITH read_back AS (
    SELECT
        kind,
        class_sourced_id,
        document ->> 'sourcedId' AS sourced_id,
        CASE kind
            WHEN 'line_item' THEN [
                {'name': 'title', 'text': clean(document ->> 'title')},
                {'name': 'description', 'text': clean(document ->> 'description')},
                {'name': 'date', 'text': left(document ->> 'dueDate', 10)},
                {'name': 'category', 'text': reference_id(document -> 'category')},
                {'name': 'session', 'text': reference_id(document -> 'gradingPeriod')},
                {'name': 'max', 'text': number_text(document ->> 'resultValueMax')}
            ]
            ELSE [
                {'name': 'student', 'text': reference_id(document -> 'student')},
                {'name': 'score', 'text': number_text(document ->> 'score')},
                {'name': 'status', 'text': document ->> 'scoreStatus'},
                {'name': 'comment', 'text': clean(document ->> 'comment')}
            ]
        END AS fields
    FROM there
    WHERE coalesce(lower(document ->> 'status'), 'active') <> 'tobedeleted'
),

ledger AS (
    SELECT *
    FROM grades.export_ledger
    WHERE
        source_id = getvariable('source_id')
        AND list_contains(getvariable('read_classes')::VARCHAR[], class_sourced_id)
),

compared AS (
    SELECT
        coalesce(ledger.kind, read_back.kind) AS kind,
        ledger.local_id,
        coalesce(ledger.sourced_id, read_back.sourced_id) AS sourced_id,
        coalesce(ledger.class_sourced_id, read_back.class_sourced_id) AS class_sourced_id,
        ledger.state,
        read_back.sourced_id IS NOT NULL AS is_there,
        CASE
            WHEN ledger.state IN ('sent', 'unverified') AND read_back.sourced_id IS NOT NULL
                THEN list_transform(
                    list_filter(
                        read_back.fields,
                        lambda field: CASE
                            -- A SIS that was sent no category files the item where it likes.
                            WHEN field.name = 'category' AND NOT getvariable('policy_resends_category') THEN false
                            WHEN field.name IN ('max', 'score')
                                THEN field.text IS DISTINCT FROM number_text(ledger.content ->> field.name)
                            ELSE field.text IS DISTINCT FROM clean(ledger.content ->> field.name)
                        END
                    ),
                    lambda field: field.name
                )
            ELSE []
        END AS fields
    FROM ledger
    FULL JOIN read_back ON ledger.sourced_id = read_back.sourced_id AND ledger.kind = read_back.kind
)

SELECT
    kind,
    CASE
        WHEN state IS NULL THEN 'unknown_to_us'
        WHEN NOT is_there THEN 'missing_there'
        ELSE 'edited_there'
    END AS difference,
    fields,
    local_id,
    sourced_id,
    class_sourced_id,
    getvariable('found_at') AS found_at
FROM compared
WHERE
    state IS NULL
    OR (state IN ('sent', 'unverified') AND NOT is_there)
    OR len(fields) > 0

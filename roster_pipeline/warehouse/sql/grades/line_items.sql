-- Every eligible item as the SIS should have it, beside what the ledger knows. `hash_now` covers all that makes it due.
WITH wanted AS (
    SELECT
        item_id AS local_id,
        item_id,
        class_sourced_id,
        course_name,
        name,
        category_id,
        category_name,
        last_modified,
        to_json({
            'title': name,
            'description': description,
            'date': due_date,
            'class': class_sourced_id,
            'category': sis_category_id,
            'session': sent_session_id,
            'max': max_points
        }) AS content
    FROM grades.items
    WHERE
        source_id = getvariable('source_id')
        AND school_year = getvariable('school_year')
        AND eligible
        AND in_scope(class_sourced_id, academic_session_id)
),

hashed AS (
    SELECT
        *,
        sha256(
            content::VARCHAR
            || CASE
                WHEN getvariable('policy_cascades')
                    THEN to_json({'name': category_name, 'category_id': category_id})::VARCHAR
                ELSE ''
            END
        ) AS hash_now
    FROM wanted
)

SELECT
    hashed.*,
    coalesce(
        ledger.sourced_id,
        uuid5(getvariable('id_namespace'), getvariable('source_id') || '|lineItem|' || hashed.item_id)
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
        AND ledger.kind = 'line_item'
        AND ledger.local_id = hashed.local_id

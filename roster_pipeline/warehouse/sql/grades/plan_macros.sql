-- Empty lists are no limit.
CREATE OR REPLACE TEMP MACRO in_scope(class_id, session_id) AS
    (len(getvariable('scope_classes')::VARCHAR[]) = 0 OR list_contains(getvariable('scope_classes')::VARCHAR[], class_id))
    AND (
        len(getvariable('scope_sessions')::VARCHAR[]) = 0
        OR coalesce(list_contains(getvariable('scope_sessions')::VARCHAR[], session_id), false)
    );

CREATE OR REPLACE TEMP MACRO is_due(state, known_hash, hash_now) AS
    state IS NULL OR state <> 'sent' OR known_hash IS DISTINCT FROM hash_now;

CREATE OR REPLACE TEMP MACRO due_reason(state, known_hash, known_content, content_now) AS
    CASE
        WHEN state IS NULL OR state = 'new' THEN 'new'
        WHEN state IN ('failed', 'unknown', 'unverified') THEN state
        WHEN state IN ('deleted_sent', 'deleted_local', 'delete_pending') THEN 'restored'
        WHEN known_content::VARCHAR = content_now::VARCHAR THEN 'parent_changed'
        ELSE 'changed'
    END;

CREATE OR REPLACE TEMP MACRO guid_ref(collection, type_name, id) AS
    CASE
        WHEN id IS NOT NULL
            THEN {
                'href': getvariable('base_url') || '/' || collection || '/' || url_encode(id),
                'sourcedId': id,
                'type': type_name
            }
    END;

CREATE OR REPLACE TEMP MACRO one_roster_time(instant) AS
    strftime(instant, '%Y-%m-%dT%H:%M:%S.%gZ');

-- The standard's optional fields are left out where there is no value.
CREATE OR REPLACE TEMP MACRO without_nulls(document) AS
    json_merge_patch('{}'::JSON, to_json(document))::VARCHAR;

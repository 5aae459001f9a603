-- Users of the delta for the API.
SELECT
    person.action IN ('delete', 'inactivate') AS is_removal,
    person.sourced_id,
    person.action,
    -- An account that was linked is managed from its confirmation on.
    coalesce(mapping.brightspace_id, (person.after ->> 'brightspace_id')::BIGINT) AS brightspace_id,
    person.before,
    person.after
FROM delta.users AS person
LEFT JOIN sync.mappings AS mapping
    ON
        mapping.source_id = getvariable('source_id')
        AND mapping.kind = 'user'
        AND person.sourced_id = mapping.sourced_id
WHERE
    person.source_id = getvariable('source_id')
    AND person.school_year = getvariable('school_year')
    AND person.action <> 'unmap'

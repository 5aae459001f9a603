SELECT
    kind || ':' || sourced_id AS org_unit_key,
    kind,
    org_unit_type,
    sourced_id,
    code,
    -- Unique, and the same every night whatever else changes: made of the identity, never of code or name.
    CASE
        WHEN kind = 'organization' THEN NULL
        WHEN getvariable('unique_codes') THEN
            left(regexp_replace(sourced_id, '[^A-Za-z0-9._-]', '_', 'g'), 37)
            || '-'
            || left(md5(getvariable('source_id') || '|' || kind || '|' || sourced_id), 12)
        ELSE code
    END AS delivery_code,
    left(deliverable(name), 128) AS name,
    start_date,
    end_date,
    true AS is_active
FROM units

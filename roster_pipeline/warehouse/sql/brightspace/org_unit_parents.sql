SELECT DISTINCT
    kind || ':' || sourced_id AS org_unit_key,
    unnest(parent_keys) AS parent_key
FROM units

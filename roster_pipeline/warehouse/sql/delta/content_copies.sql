SELECT
    org_unit_key,
    'create' AS action,
    source_code,
    source_brightspace_id,
    'new offering; its content comes from ' || wanted AS reason
FROM content_sources
WHERE sources = 1

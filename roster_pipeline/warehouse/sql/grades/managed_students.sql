SELECT
    fields ->> 'org_defined_id' AS org_defined_id,
    sourced_id
FROM sync.mappings
WHERE
    source_id = getvariable('source_id')
    AND kind = 'user'
    AND (fields ->> 'org_defined_id') IS NOT NULL

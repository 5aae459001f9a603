SELECT kind, sourced_id, brightspace_id, code, fields, school_year, first_delivered_at, last_delivered_at
FROM sync.mappings
WHERE source_id = getvariable('source_id') AND is_explained(kind, sourced_id)
ORDER BY kind, sourced_id

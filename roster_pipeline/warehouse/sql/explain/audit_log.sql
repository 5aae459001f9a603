SELECT "at", route, kind, sourced_id, name, action, outcome, error, before, after, run_id
FROM sync.audit_log
WHERE source_id = getvariable('source_id') AND is_explained(kind, sourced_id)
ORDER BY "at" DESC, kind, sourced_id
LIMIT getvariable('rows_shown')::INTEGER

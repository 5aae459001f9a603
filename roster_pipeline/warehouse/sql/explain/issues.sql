SELECT run.started_at, issue.severity, issue.code, issue.kind, issue.sourced_id, issue.message, issue.run_id
FROM sync.issues AS issue
LEFT JOIN sync.runs AS run USING (source_id, run_id)
WHERE
    issue.source_id = getvariable('source_id')
    AND issue.school_year = getvariable('school_year')
    AND (
        (issue.kind = getvariable('asked_kind') AND issue.sourced_id = getvariable('asked_id'))
        OR is_explained(issue.kind, issue.sourced_id)
    )
ORDER BY run.started_at DESC NULLS FIRST, issue.code
LIMIT getvariable('rows_shown')::INTEGER

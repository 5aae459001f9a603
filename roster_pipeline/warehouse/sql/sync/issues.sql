INSERT INTO sync.issues (source_id, school_year, run_id, severity, code, kind, sourced_id, message, rule_ids)
SELECT
    getvariable('source_id'),
    getvariable('school_year'),
    getvariable('run_id'),
    severity,
    code,
    kind,
    sourced_id,
    replace(
        replace(replace(message, '{kind}', kind), '{sourced_id}', coalesce(sourced_id, '')),
        '{detail}',
        coalesce(detail, '')
    ),
    rule_ids
FROM findings
INNER JOIN issue_codes USING (code)

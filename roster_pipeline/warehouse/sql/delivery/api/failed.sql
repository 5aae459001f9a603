-- What Brightspace did not take stays due; the audit log and an issue say why.
INSERT INTO sync.audit_log (
    source_id, school_year, run_id, "at", route, kind, sourced_id, action, outcome, error
)
SELECT
    getvariable('source_id'),
    getvariable('school_year'),
    getvariable('run_id'),
    getvariable('confirmed_at'),
    'api',
    kind,
    sourced_id,
    NULL,
    'failed',
    error
FROM answered
WHERE outcome = 'failed';

INSERT INTO findings (code, kind, sourced_id, detail)
SELECT 'delivery.failed', kind, sourced_id, error
FROM answered
WHERE outcome = 'failed';

UPDATE sync.content_copies AS copy
SET state = CASE answered.outcome WHEN 'delivered' THEN 'done' ELSE answered.outcome END
FROM answered
WHERE
    answered.kind = 'content_copy'
    AND copy.org_unit_key = 'course_offering:' || answered.sourced_id
    AND copy.source_id = getvariable('source_id')
    AND copy.school_year = getvariable('school_year')

-- Whoever opens a run holds the source's lock: another that is still on record as running was killed.
UPDATE grades.export_runs
SET status = 'interrupted', ended_at = getvariable('started_at')
WHERE source_id = getvariable('source_id') AND status = 'running';

DELETE FROM grades.export_runs
WHERE source_id = getvariable('source_id') AND run_id = getvariable('run_id');

INSERT INTO grades.export_runs
SELECT
    getvariable('source_id'),
    getvariable('school_year'),
    getvariable('run_id'),
    getvariable('trigger'),
    getvariable('requested_by'),
    getvariable('started_at'),
    CASE WHEN getvariable('refusal') IS NOT NULL THEN getvariable('started_at') END,
    CASE WHEN getvariable('refusal') IS NOT NULL THEN 'refused' ELSE 'running' END,
    getvariable('scope_classes')::VARCHAR[],
    getvariable('scope_sessions')::VARCHAR[],
    getvariable('is_scheduled'),
    '{}'::JSON,
    getvariable('refusal');

-- Folds outcomes (kind, local_id, outcome, error, at) of one run into ledger and lines. Folding twice changes nothing.
CREATE OR REPLACE TEMP TABLE settled AS
SELECT
    plan.*,
    outcome.outcome,
    outcome.error,
    outcome.at
FROM export_outcomes AS outcome
INNER JOIN unsettled AS plan ON outcome.kind = plan.kind AND outcome.local_id = plan.local_id
QUALIFY row_number() OVER (PARTITION BY plan.kind, plan.local_id ORDER BY outcome.at DESC) = 1;

UPDATE grades.export_ledger AS ledger
SET
    state = CASE settled.outcome WHEN 'deleted' THEN 'deleted_sent' ELSE settled.outcome END,
    payload_hash = CASE
        WHEN settled.outcome IN ('sent', 'unverified') THEN settled.payload_hash ELSE ledger.payload_hash
    END,
    content = CASE WHEN settled.outcome IN ('sent', 'unverified') THEN settled.content ELSE ledger.content END,
    last_sent_at = CASE
        WHEN settled.outcome IN ('sent', 'unverified', 'deleted', 'unknown') THEN settled.at ELSE ledger.last_sent_at
    END,
    last_error = settled.error,
    refusals = CASE
        WHEN settled.outcome = 'unknown' THEN ledger.refusals
        WHEN settled.outcome <> 'failed' THEN 0
        WHEN ledger.refused_hash IS NOT DISTINCT FROM settled.payload_hash THEN coalesce(ledger.refusals, 0) + 1
        ELSE 1
    END,
    refused_hash = CASE settled.outcome
        WHEN 'failed' THEN settled.payload_hash
        WHEN 'unknown' THEN ledger.refused_hash
    END,
    last_run_id = getvariable('run_id')
FROM settled
WHERE
    settled.outcome <> 'parent_failed'
    AND ledger.source_id = getvariable('source_id')
    AND ledger.kind = settled.kind
    AND ledger.local_id = settled.local_id;

INSERT INTO grades.export_lines
SELECT
    getvariable('source_id'),
    getvariable('school_year'),
    getvariable('run_id'),
    kind,
    local_id,
    sourced_id,
    class_sourced_id,
    course_name,
    name,
    student_sourced_id,
    score,
    action,
    reason,
    outcome,
    error,
    "at"
FROM settled

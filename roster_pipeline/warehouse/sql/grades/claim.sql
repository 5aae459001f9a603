-- Ids are on record before anything is sent, so that no later run chooses others.
INSERT INTO grades.export_ledger
(source_id, kind, local_id, sourced_id, state, item_id, class_sourced_id, student_sourced_id, refusals)
SELECT
    getvariable('source_id'),
    plan.kind,
    plan.local_id,
    plan.sourced_id,
    'new',
    plan.item_id,
    plan.class_sourced_id,
    plan.student_sourced_id,
    0
FROM export_plan AS plan
ANTI JOIN grades.export_ledger AS ledger
    ON
        ledger.source_id = getvariable('source_id')
        AND plan.kind = ledger.kind
        AND plan.local_id = ledger.local_id
WHERE plan.action = 'put';

UPDATE grades.export_ledger AS ledger
SET state = 'delete_pending'
FROM export_plan AS plan
WHERE
    ledger.source_id = getvariable('source_id')
    AND ledger.kind = plan.kind
    AND ledger.local_id = plan.local_id
    AND plan.action = 'delete';

-- Where the SIS is not told of deletions, only the ledger is.
INSERT INTO grades.export_lines
SELECT
    getvariable('source_id'),
    getvariable('school_year'),
    getvariable('run_id'),
    gone.kind,
    gone.local_id,
    gone.sourced_id,
    gone.class_sourced_id,
    gone.course_name,
    gone.name,
    gone.student_sourced_id,
    NULL,
    'none',
    'deleted',
    'deleted_local',
    'deletions are not passed on; remove it in the SIS by hand',
    getvariable('started_at')
FROM export_deletions AS gone
WHERE getvariable('policy_deletes') = 'kept_local';

UPDATE grades.export_ledger AS ledger
SET state = 'deleted_local', last_run_id = getvariable('run_id')
FROM export_deletions AS gone
WHERE
    getvariable('policy_deletes') = 'kept_local'
    AND ledger.source_id = getvariable('source_id')
    AND ledger.kind = gone.kind
    AND ledger.local_id = gone.local_id;

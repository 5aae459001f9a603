-- Of the changes in `unanswered`, those that the warehouse knows to be delivered: the process died after it had confirmed
-- them and before its journal said so. To repeat them would make them twice, for what is managed belongs to somebody.
SELECT unanswered.kind, unanswered.sourced_id
FROM unanswered
SEMI JOIN sync.audit_log AS entry
    ON
        unanswered.kind = entry.kind
        AND unanswered.sourced_id = entry.sourced_id
        AND entry.source_id = getvariable('source_id')
        AND entry.school_year = getvariable('school_year')
        AND entry.run_id = getvariable('run_id')
        AND entry.outcome = 'delivered'

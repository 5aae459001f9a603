-- A process that died right after a confirmation had no time to forget the answers in it: they are not recorded again.
DELETE FROM answered
USING sync.audit_log AS entry
WHERE
    entry.source_id = getvariable('source_id')
    AND entry.school_year = getvariable('school_year')
    AND entry.run_id = getvariable('run_id')
    AND answered.kind = entry.kind
    AND answered.sourced_id = entry.sourced_id
    AND answered.outcome = entry.outcome

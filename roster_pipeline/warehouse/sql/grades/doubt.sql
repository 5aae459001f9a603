-- The SIS may have got what an interrupted export planned and has no outcome of, so it is sent anew, or deleted there.
UPDATE grades.export_ledger AS ledger
SET state = 'unknown', last_sent_at = coalesce(ledger.last_sent_at, getvariable('settled_at'))
FROM planned AS plan
ANTI JOIN (
    SELECT kind, local_id
    FROM grades.export_lines
    WHERE
        source_id = getvariable('source_id')
        AND school_year = getvariable('school_year')
        AND run_id = getvariable('run_id')
) AS line ON plan.kind = line.kind AND plan.local_id = line.local_id
WHERE
    plan.action = 'put'
    AND ledger.source_id = getvariable('source_id')
    AND ledger.kind = plan.kind
    AND ledger.local_id = plan.local_id

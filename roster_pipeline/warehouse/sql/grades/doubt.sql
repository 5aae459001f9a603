-- The SIS may have got what an interrupted export planned and has no outcome of, so it is sent anew, or deleted there.
UPDATE grades.export_ledger AS ledger
SET state = 'unknown', last_sent_at = coalesce(ledger.last_sent_at, getvariable('settled_at'))
FROM unsettled AS plan
WHERE
    plan.action = 'put'
    AND ledger.source_id = getvariable('source_id')
    AND ledger.kind = plan.kind
    AND ledger.local_id = plan.local_id

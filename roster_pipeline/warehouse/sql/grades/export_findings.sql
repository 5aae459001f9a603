-- What of an export somebody has to look at.
INSERT INTO findings
SELECT
    'grade.stuck',
    replace(ledger.kind, '_', ' '),
    ledger.sourced_id,
    ledger.refusals::VARCHAR,
    NULL
FROM grades.export_ledger AS ledger
INNER JOIN grades.export_lines AS line ON ledger.kind = line.kind AND ledger.local_id = line.local_id
WHERE
    ledger.source_id = getvariable('source_id')
    AND line.source_id = getvariable('source_id')
    AND line.school_year = getvariable('school_year')
    AND line.run_id = getvariable('run_id')
    AND line.outcome IN ('failed', 'stuck')
    AND ledger.refusals >= getvariable('stuck_after');

INSERT INTO findings
SELECT
    'grade.manual_removal_needed',
    replace(kind, '_', ' '),
    sourced_id,
    NULL,
    NULL
FROM grades.export_lines
WHERE
    source_id = getvariable('source_id')
    AND school_year = getvariable('school_year')
    AND run_id = getvariable('run_id')
    AND outcome IN ('deleted', 'deleted_local');

-- What of a gradebook somebody has to look at.
INSERT INTO findings
SELECT
    CASE reason_not_eligible
        WHEN 'due_date_missing' THEN 'grade.due_date_missing'
        ELSE 'grade.session_unknown'
    END,
    'grade item',
    item_id,
    academic_session_id,
    NULL
FROM grades.items
WHERE
    source_id = getvariable('source_id')
    AND school_year = getvariable('school_year')
    AND reason_not_eligible IN ('due_date_missing', 'academic_session_unknown')

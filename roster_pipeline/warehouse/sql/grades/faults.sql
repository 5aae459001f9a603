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
;

-- Who joins the group while a grading period runs may have typed marks into the SIS already.
CREATE OR REPLACE TEMP TABLE joined_group AS
SELECT DISTINCT unnest(getvariable('teacher_group')::VARCHAR[]) AS teacher_sourced_id
EXCEPT
SELECT teacher_sourced_id
FROM grades.teacher_group
WHERE source_id = getvariable('source_id');

INSERT INTO findings
SELECT
    'grade.teacher_added_mid_period',
    'teacher',
    teacher_sourced_id,
    NULL,
    NULL
FROM joined_group
WHERE
    getvariable('policy_only_teacher_group')
    AND EXISTS (
        SELECT 1 FROM item_sessions
        WHERE type = 'gradingPeriod' AND is_current AND start_date < getvariable('as_of')
    );

INSERT INTO grades.teacher_group
SELECT
    getvariable('source_id'),
    teacher_sourced_id,
    getvariable('as_of')
FROM joined_group
WHERE getvariable('policy_only_teacher_group')

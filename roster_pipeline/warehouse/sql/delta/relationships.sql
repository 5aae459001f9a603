WITH desired AS (
    SELECT
        student_sourced_id,
        guardian_sourced_id,
        pair_key(student_sourced_id, guardian_sourced_id) AS sourced_id
    FROM brightspace.relationships
    WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year')
),

mapped AS (
    SELECT
        sourced_id,
        fields,
        fields ->> 'student_sourced_id' AS student_sourced_id,
        fields ->> 'guardian_sourced_id' AS guardian_sourced_id
    FROM sync.mappings
    WHERE source_id = getvariable('source_id') AND kind = 'relationship'
),

named AS (
    SELECT sourced_id, unnest(agent_sourced_ids) AS other
    FROM roster.users
    WHERE
        source_id = getvariable('source_id')
        AND school_year = getvariable('school_year')
        AND status <> 'tobedeleted'
)

SELECT
    student_sourced_id,
    guardian_sourced_id,
    'create' AS action,
    ['student_sourced_id', 'guardian_sourced_id'] AS changed_fields,
    NULL AS before,
    json_object('student_sourced_id', student_sourced_id, 'guardian_sourced_id', guardian_sourced_id) AS after,
    'new in the SIS' AS reason
FROM desired
WHERE
    sourced_id NOT IN (SELECT sourced_id FROM mapped)
    AND 'user:' || student_sourced_id NOT IN (SELECT key FROM held_by_later_year)
UNION ALL
-- A guardian loses the link when the student's own record, which is there, names the guardian no more.
SELECT
    mapped.student_sourced_id,
    mapped.guardian_sourced_id,
    'delete' AS action,
    [] AS changed_fields,
    mapped.fields AS before,
    NULL AS after,
    'the SIS no longer relates the two' AS reason
FROM mapped
INNER JOIN roster.users AS student
    ON
        mapped.student_sourced_id = student.sourced_id
        AND student.source_id = getvariable('source_id')
        AND student.school_year = getvariable('school_year')
ANTI JOIN desired ON mapped.sourced_id = desired.sourced_id
ANTI JOIN named AS by_student
    ON mapped.student_sourced_id = by_student.sourced_id AND mapped.guardian_sourced_id = by_student.other
ANTI JOIN named AS by_guardian
    ON mapped.guardian_sourced_id = by_guardian.sourced_id AND mapped.student_sourced_id = by_guardian.other
WHERE
    student.status <> 'tobedeleted'
    AND 'user:' || mapped.student_sourced_id NOT IN (SELECT key FROM held_by_later_year)

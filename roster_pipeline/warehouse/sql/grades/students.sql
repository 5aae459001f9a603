-- Who is in which class as a student; the SIS takes results of no one else.
SELECT DISTINCT
    user_sourced_id AS student_sourced_id,
    class_sourced_id
FROM roster.enrollments
WHERE
    source_id = getvariable('source_id')
    AND school_year = getvariable('school_year')
    AND role = 'student'
    AND status = 'active'

SELECT "at", kind, sourced_id, course_name, item, student, score, action, outcome, reason, error, run_id
FROM grades.export_lines
WHERE
    source_id = getvariable('source_id')
    AND CASE getvariable('asked_kind')
        WHEN 'user' THEN student = getvariable('asked_id')
        WHEN 'class' THEN class_sourced_id = getvariable('asked_id')
        WHEN 'enrollment'
            THEN student = getvariable('asked_user')::VARCHAR AND class_sourced_id = getvariable('asked_class')::VARCHAR
        ELSE false
    END
ORDER BY "at" DESC, kind, local_id
LIMIT getvariable('rows_shown')::INTEGER

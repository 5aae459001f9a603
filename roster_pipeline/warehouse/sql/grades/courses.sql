-- Classes of the school year with the course offering behind each, as last confirmed in Brightspace.
SELECT
    class.sourced_id AS class_sourced_id,
    mapping.sourced_id IS NOT NULL AS is_managed,
    coalesce(mapping.fields ->> 'name', class.title) AS course_name,
    CASE
        WHEN getvariable('only_active_courses') AND NOT coalesce((mapping.fields ->> 'is_active')::BOOLEAN, true)
            THEN 'course_inactive'
        -- Both ends belong to the window; a course without a date is open on that side.
        WHEN getvariable('only_courses_in_progress') AND (
            getvariable('as_of') < (mapping.fields ->> 'start_date')::DATE - getvariable('days_before_start')::INTEGER
            OR getvariable('as_of') > (mapping.fields ->> 'end_date')::DATE + getvariable('days_after_end')::INTEGER
        )
            THEN 'course_not_in_progress'
    END AS course_reason
FROM roster.classes AS class
LEFT JOIN sync.mappings AS mapping
    ON
        mapping.source_id = getvariable('source_id')
        AND mapping.kind = 'course_offering'
        AND mapping.sourced_id = class.sourced_id
WHERE
    class.source_id = getvariable('source_id')
    AND class.school_year = getvariable('school_year')
    AND class.status = 'active'

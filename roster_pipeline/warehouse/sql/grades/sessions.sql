SELECT
    sourced_id,
    title,
    type,
    start_date,
    end_date,
    parent_sourced_id,
    start_date <= getvariable('as_of') AND end_date >= getvariable('as_of') AS is_current
FROM roster.academic_sessions
WHERE
    source_id = getvariable('source_id')
    AND school_year = getvariable('school_year')
    AND status = 'active'

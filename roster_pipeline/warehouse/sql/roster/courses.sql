SELECT
    sourced_id,
    parse_status(status) AS status,
    parse_timestamp(date_last_modified) AS date_last_modified,
    school_year_sourced_id,
    clean_name(title) AS title,
    course_code,
    grades,
    org_sourced_id,
    subjects,
    subject_codes,
    metadata,
    position,
    concat_ws(
        ', ',
        unread('status', status, NOT is_status(status)),
        unread('dateLastModified', date_last_modified, parse_timestamp(date_last_modified) IS NULL)
    ) AS unreadable,
    blanks_around,
    status <> lower(status) AS wrong_case
FROM cleaned_courses

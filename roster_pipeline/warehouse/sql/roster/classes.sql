SELECT
    sourced_id,
    parse_status(status) AS status,
    parse_timestamp(date_last_modified) AS date_last_modified,
    clean_name(title) AS title,
    grades,
    course_sourced_id,
    class_code,
    lower(class_type) AS class_type,
    location,
    school_sourced_id,
    term_sourced_ids,
    subjects,
    subject_codes,
    periods,
    metadata,
    position,
    concat_ws(
        ', ',
        unread('status', status, NOT is_status(status)),
        unread('dateLastModified', date_last_modified, parse_timestamp(date_last_modified) IS NULL)
    ) AS unreadable,
    blanks_around,
    class_type <> lower(class_type) OR status <> lower(status) AS wrong_case
FROM cleaned_classes

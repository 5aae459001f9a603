SELECT
    clean(sourcedId) AS sourced_id,
    parse_status(clean(status)) AS status,
    parse_timestamp(clean(dateLastModified)) AS date_last_modified,
    clean(schoolYearSourcedId) AS school_year_sourced_id,
    clean_name(title) AS title,
    clean(courseCode) AS course_code,
    clean_list(grades) AS grades,
    clean(orgSourcedId) AS org_sourced_id,
    clean_list(subjects) AS subjects,
    clean_list(subjectCodes) AS subject_codes,
    metadata,
    position,
    concat_ws(
        ', ',
        unread('status', clean(status), NOT is_status(clean(status))),
        unread('dateLastModified', clean(dateLastModified), parse_timestamp(clean(dateLastModified)) IS NULL)
    ) AS unreadable,
    sourcedId <> clean(sourcedId) AS blanks_around,
    clean(status) <> lower(clean(status)) AS wrong_case
FROM raw_courses

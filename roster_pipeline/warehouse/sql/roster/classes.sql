SELECT
    clean(sourcedId) AS sourced_id,
    parse_status(clean(status)) AS status,
    parse_timestamp(clean(dateLastModified)) AS date_last_modified,
    clean_name(title) AS title,
    clean_list(grades) AS grades,
    clean(courseSourcedId) AS course_sourced_id,
    clean(classCode) AS class_code,
    lower(clean(classType)) AS class_type,
    clean(location) AS location,
    clean(schoolSourcedId) AS school_sourced_id,
    clean_list(termSourcedIds) AS term_sourced_ids,
    clean_list(subjects) AS subjects,
    clean_list(subjectCodes) AS subject_codes,
    clean_list(periods) AS periods,
    metadata,
    position,
    concat_ws(
        ', ',
        unread('status', clean(status), NOT is_status(clean(status))),
        unread('dateLastModified', clean(dateLastModified), parse_timestamp(clean(dateLastModified)) IS NULL)
    ) AS unreadable,
    sourcedId <> clean(sourcedId) AS blanks_around,
    clean(classType) <> lower(clean(classType)) OR clean(status) <> lower(clean(status)) AS wrong_case
FROM raw_classes

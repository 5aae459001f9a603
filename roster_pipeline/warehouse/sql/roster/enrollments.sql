SELECT
    clean(sourcedId) AS sourced_id,
    parse_status(clean(status)) AS status,
    parse_timestamp(clean(dateLastModified)) AS date_last_modified,
    clean(classSourcedId) AS class_sourced_id,
    clean(schoolSourcedId) AS school_sourced_id,
    clean(userSourcedId) AS user_sourced_id,
    parse_role(clean(role)) AS role,
    coalesce(parse_boolean(clean("primary")), false) AS "primary",
    -- Dates that contradict each other are both left out; the enrollment itself stays.
    CASE
        WHEN parse_date(clean(endDate)) < parse_date(clean(beginDate)) THEN NULL
        ELSE parse_date(clean(beginDate))
    END AS begin_date,
    CASE
        WHEN parse_date(clean(endDate)) < parse_date(clean(beginDate)) THEN NULL
        ELSE parse_date(clean(endDate))
    END AS end_date,
    metadata,
    position,
    concat_ws(
        ', ',
        unread('status', clean(status), NOT is_status(clean(status))),
        unread('primary', clean("primary"), parse_boolean(clean("primary")) IS NULL),
        unread('beginDate', clean(beginDate), parse_date(clean(beginDate)) IS NULL),
        unread('endDate', clean(endDate), parse_date(clean(endDate)) IS NULL),
        unread('dateLastModified', clean(dateLastModified), parse_timestamp(clean(dateLastModified)) IS NULL)
    ) AS unreadable,
    sourcedId <> clean(sourcedId) AS blanks_around,
    clean(role) <> parse_role(clean(role)) OR clean(status) <> lower(clean(status)) AS wrong_case,
    parse_date(clean(endDate)) < parse_date(clean(beginDate)) AS dates_contradict
FROM raw_enrollments

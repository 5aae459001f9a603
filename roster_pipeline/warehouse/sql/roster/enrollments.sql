WITH read AS (
    SELECT
        *,
        parse_date(begin_date) AS begins,
        parse_date(end_date) AS ends
    FROM cleaned_enrollments
)

SELECT
    sourced_id,
    parse_status(status) AS status,
    parse_timestamp(date_last_modified) AS date_last_modified,
    class_sourced_id,
    school_sourced_id,
    user_sourced_id,
    parse_role(role) AS role,
    coalesce(parse_boolean("primary"), false) AS "primary",
    -- Dates that contradict each other are both left out; the enrollment itself stays.
    CASE WHEN ends < begins THEN NULL ELSE begins END AS begin_date,
    CASE WHEN ends < begins THEN NULL ELSE ends END AS end_date,
    metadata,
    position,
    concat_ws(
        ', ',
        unread('status', status, NOT is_status(status)),
        unread('primary', "primary", parse_boolean("primary") IS NULL),
        unread('beginDate', begin_date, begins IS NULL),
        unread('endDate', end_date, ends IS NULL),
        unread('dateLastModified', date_last_modified, parse_timestamp(date_last_modified) IS NULL)
    ) AS unreadable,
    blanks_around,
    role <> parse_role(role) OR status <> lower(status) AS wrong_case,
    ends < begins AS dates_contradict
FROM read

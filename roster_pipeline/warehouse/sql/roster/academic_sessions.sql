SELECT
    sourced_id,
    parse_status(status) AS status,
    parse_timestamp(date_last_modified) AS date_last_modified,
    clean_name(title) AS title,
    parse_session_type(type) AS type,
    parse_date(start_date) AS start_date,
    parse_date(end_date) AS end_date,
    parent_sourced_id,
    -- A session that ends in July or later belongs to the school year that ends in the next one.
    coalesce(
        parse_year(school_year_ends),
        year(parse_date(end_date)) + CASE WHEN month(parse_date(end_date)) >= 7 THEN 1 ELSE 0 END
    ) AS school_year_ends,
    metadata,
    position,
    concat_ws(
        ', ',
        unread('status', status, NOT is_status(status)),
        unread('startDate', start_date, parse_date(start_date) IS NULL),
        unread('endDate', end_date, parse_date(end_date) IS NULL),
        unread('dateLastModified', date_last_modified, parse_timestamp(date_last_modified) IS NULL)
    ) AS unreadable,
    blanks_around,
    type <> parse_session_type(type) OR status <> lower(status) AS wrong_case,
    parse_year(school_year_ends) IS NULL OR NOT regexp_full_match(school_year_ends, '\d{4}') AS year_derived
FROM cleaned_academic_sessions

SELECT
    clean(sourcedId) AS sourced_id,
    parse_status(clean(status)) AS status,
    parse_timestamp(clean(dateLastModified)) AS date_last_modified,
    clean_name(title) AS title,
    parse_session_type(clean(type)) AS type,
    parse_date(clean(startDate)) AS start_date,
    parse_date(clean(endDate)) AS end_date,
    clean(parentSourcedId) AS parent_sourced_id,
    -- A session that ends in July or later belongs to the school year that ends in the next one.
    coalesce(
        parse_year(clean(schoolYear)),
        year(parse_date(clean(endDate))) + CASE WHEN month(parse_date(clean(endDate))) >= 7 THEN 1 ELSE 0 END
    ) AS school_year_ends,
    metadata,
    position,
    concat_ws(
        ', ',
        unread('status', clean(status), NOT is_status(clean(status))),
        unread('startDate', clean(startDate), parse_date(clean(startDate)) IS NULL),
        unread('endDate', clean(endDate), parse_date(clean(endDate)) IS NULL),
        unread('dateLastModified', clean(dateLastModified), parse_timestamp(clean(dateLastModified)) IS NULL)
    ) AS unreadable,
    sourcedId <> clean(sourcedId) AS blanks_around,
    clean(type) <> parse_session_type(clean(type)) OR clean(status) <> lower(clean(status)) AS wrong_case,
    parse_year(clean(schoolYear)) IS NULL OR NOT regexp_full_match(clean(schoolYear), '\d{4}') AS year_derived
FROM raw_academic_sessions

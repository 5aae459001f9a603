SELECT
    clean(sourcedId) AS sourced_id,
    parse_status(clean(status)) AS status,
    parse_timestamp(clean(dateLastModified)) AS date_last_modified,
    clean_name(name) AS name,
    lower(clean(type)) AS type,
    clean(identifier) AS identifier,
    clean(parentSourcedId) AS parent_sourced_id,
    metadata,
    position,
    concat_ws(
        ', ',
        unread('status', clean(status), NOT is_status(clean(status))),
        unread('dateLastModified', clean(dateLastModified), parse_timestamp(clean(dateLastModified)) IS NULL)
    ) AS unreadable,
    sourcedId <> clean(sourcedId) AS blanks_around,
    clean(type) <> lower(clean(type)) OR clean(status) <> lower(clean(status)) AS wrong_case
FROM raw_orgs

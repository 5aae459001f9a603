SELECT
    sourced_id,
    parse_status(status) AS status,
    parse_timestamp(date_last_modified) AS date_last_modified,
    clean_name(name) AS name,
    lower(type) AS type,
    identifier,
    parent_sourced_id,
    metadata,
    position,
    concat_ws(
        ', ',
        unread('status', status, NOT is_status(status)),
        unread('dateLastModified', date_last_modified, parse_timestamp(date_last_modified) IS NULL)
    ) AS unreadable,
    blanks_around,
    type <> lower(type) OR status <> lower(status) AS wrong_case
FROM cleaned_orgs

SELECT
    sourced_id,
    parse_status(status) AS status,
    parse_timestamp(date_last_modified) AS date_last_modified,
    coalesce(parse_boolean(enabled_user), true) AS enabled_user,
    org_sourced_ids,
    parse_role(role) AS role,
    username,
    user_ids,
    clean_name(given_name) AS given_name,
    clean_name(family_name) AS family_name,
    clean_name(middle_name) AS middle_name,
    identifier,
    email,
    sms,
    phone,
    agent_sourced_ids,
    grades,
    metadata,
    position,
    concat_ws(
        ', ',
        unread('status', status, NOT is_status(status)),
        unread('enabledUser', enabled_user, parse_boolean(enabled_user) IS NULL),
        unread('dateLastModified', date_last_modified, parse_timestamp(date_last_modified) IS NULL)
    ) AS unreadable,
    blanks_around,
    role <> parse_role(role) OR status <> lower(status) AS wrong_case
FROM cleaned_users

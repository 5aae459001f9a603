SELECT
    clean(sourcedId) AS sourced_id,
    parse_status(clean(status)) AS status,
    parse_timestamp(clean(dateLastModified)) AS date_last_modified,
    coalesce(parse_boolean(clean(enabledUser)), true) AS enabled_user,
    clean_list(orgSourcedIds) AS org_sourced_ids,
    parse_role(clean(role)) AS role,
    clean(username) AS username,
    clean_list(userIds) AS user_ids,
    clean_name(givenName) AS given_name,
    clean_name(familyName) AS family_name,
    clean_name(middleName) AS middle_name,
    clean(identifier) AS identifier,
    clean(email) AS email,
    clean(sms) AS sms,
    clean(phone) AS phone,
    clean_list(agentSourcedIds) AS agent_sourced_ids,
    clean_list(grades) AS grades,
    metadata,
    position,
    concat_ws(
        ', ',
        unread('status', clean(status), NOT is_status(clean(status))),
        unread('enabledUser', clean(enabledUser), parse_boolean(clean(enabledUser)) IS NULL),
        unread('dateLastModified', clean(dateLastModified), parse_timestamp(clean(dateLastModified)) IS NULL)
    ) AS unreadable,
    sourcedId <> clean(sourcedId) AS blanks_around,
    clean(role) <> parse_role(clean(role)) OR clean(status) <> lower(clean(status)) AS wrong_case
FROM raw_users

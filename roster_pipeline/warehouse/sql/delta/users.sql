WITH desired AS (
    SELECT
        sourced_id,
        {
            'username': username,
            'org_defined_id': org_defined_id,
            'first_name': first_name,
            'last_name': last_name,
            'email': email,
            'role': role,
            'is_active': is_active AND getvariable('new_users_active'),
            'sis_is_active': is_active
        } AS person
    FROM brightspace.users
    WHERE
        source_id = getvariable('source_id')
        AND school_year = getvariable('school_year')
        AND 'user:' || sourced_id NOT IN (SELECT key FROM held_by_later_year)
),

-- An account that Brightspace holds already and that is linked counts as managed from now on, with the fields it has.
mapped AS (
    SELECT sourced_id, fields, false AS is_link
    FROM sync.mappings
    WHERE source_id = getvariable('source_id') AND kind = 'user'
    UNION ALL
    SELECT sourced_id, to_json(account) AS fields, true AS is_link
    FROM user_links
    WHERE verdict = 'linked'
),

-- The same text says at once that nothing changed; the fields are looked at only where it is another one.
different AS MATERIALIZED (
    SELECT desired.sourced_id, desired.person, mapped.fields, mapped.is_link
    FROM desired
    INNER JOIN mapped ON desired.sourced_id = mapped.sourced_id
    WHERE mapped.is_link OR mapped.fields::VARCHAR <> to_json(desired.person)::VARCHAR
),

changes AS (
    SELECT
        sourced_id,
        fields,
        is_link,
        [
            field_change(
                'username', fields -> 'username', to_json(person.username), getvariable('overwrite_username')
            ),
            field_change(
                'org_defined_id',
                fields -> 'org_defined_id',
                to_json(person.org_defined_id),
                getvariable('overwrite_org_defined_id')
            ),
            field_change(
                'first_name', fields -> 'first_name', to_json(person.first_name), getvariable('overwrite_first_name')
            ),
            field_change(
                'last_name', fields -> 'last_name', to_json(person.last_name), getvariable('overwrite_last_name')
            ),
            field_change('email', fields -> 'email', to_json(person.email), getvariable('overwrite_email')),
            field_change('role', fields -> 'role', to_json(person.role), getvariable('overwrite_system_role')),
            -- As with courses: the state follows the SIS when the SIS changes it, so that an account made
            -- inactive on creation is not switched on the night after.
            field_change(
                'is_active',
                fields -> 'sis_is_active',
                to_json(person.sis_is_active),
                getvariable('overwrite_user_status')
            ),
            field_change(
                'sis_is_active',
                fields -> 'sis_is_active',
                to_json(person.sis_is_active),
                getvariable('overwrite_user_status')
            )
        ] AS changes
    FROM different
)

SELECT
    sourced_id,
    'create' AS action,
    ['username', 'org_defined_id', 'first_name', 'last_name', 'email', 'role', 'is_active'] AS changed_fields,
    NULL AS before,
    to_json(person) AS after,
    'new in the SIS' AS reason
FROM desired
WHERE sourced_id NOT IN (SELECT sourced_id FROM mapped)
UNION ALL
SELECT
    sourced_id,
    'update' AS action,
    list_filter(changed_names(changes), lambda name: name <> 'sis_is_active') AS changed_fields,
    fields AS before,
    changed_fields_json(fields, changes) AS after,
    update_reason(
        CASE
            WHEN is_link AND getvariable('link_users_by') = 'username' THEN 'linked to the account with the same username'
            WHEN is_link THEN 'linked to the account with the same org-defined id'
        END,
        list_filter(changed_names(changes), lambda name: name <> 'sis_is_active')
    ) AS reason
FROM changes
WHERE is_link OR len(changed_names(changes)) > 0
UNION ALL
SELECT
    mapped.sourced_id,
    'inactivate' AS action,
    ['is_active'] AS changed_fields,
    mapped.fields AS before,
    json_merge_patch(mapped.fields, '{"is_active": false, "sis_is_active": false}'::JSON) AS after,
    'deleted in the SIS' AS reason
FROM mapped
INNER JOIN roster.users AS person
    ON
        mapped.sourced_id = person.sourced_id
        AND person.source_id = getvariable('source_id')
        AND person.school_year = getvariable('school_year')
WHERE
    person.status = 'tobedeleted'
    AND getvariable('overwrite_user_status')
    AND (mapped.fields ->> 'sis_is_active') = 'true'
    AND 'user:' || mapped.sourced_id NOT IN (SELECT key FROM held_by_later_year)

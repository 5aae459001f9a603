-- One text field of one relation against its limits.
SELECT
    '{entity}' AS entity,
    {key} AS key,
    CASE
        WHEN coalesce({field}, '') = '' THEN 'missing'
        WHEN length({field}) > {length} THEN 'too_long'
        WHEN regexp_matches({field}, '{forbidden_pattern}') THEN 'forbidden_character'
        ELSE 'blank_at_edge'
    END AS fault,
    '{field}' AS field,
    -- Names, usernames and addresses point at a person: the key has to do.
    CASE WHEN NOT {personal} THEN {field} END AS value
FROM {relation}
WHERE
    ({required} AND coalesce({field}, '') = '')
    OR length({field}) > {length}
    OR regexp_matches({field}, '{forbidden_pattern}')
    OR {field} <> trim({field})

INSERT INTO existing_users BY NAME
SELECT
    try_cast(clean(brightspace_id) AS BIGINT) AS brightspace_id,
    clean(username) AS username,
    clean(org_defined_id) AS org_defined_id,
    clean(first_name) AS first_name,
    clean(last_name) AS last_name,
    clean(to_json(file) ->> 'email') AS email,
    clean("role") AS "role",
    coalesce(parse_boolean(clean(is_active)), true) AS is_active
FROM read_csv(getvariable('existing_file'), header = true, all_varchar = true, delim = ',', quote = '"') AS file;

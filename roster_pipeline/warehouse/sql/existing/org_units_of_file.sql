INSERT INTO existing_org_units BY NAME
SELECT
    try_cast(clean(brightspace_id) AS BIGINT) AS brightspace_id,
    -- The Standard CSV says course section where the org unit type is Section.
    regexp_replace(lower(clean(type)), '^course section$', 'section') AS type,
    clean(code) AS code,
    clean_name(name) AS name,
    clean_list(string_split(parent_codes, '|')) AS parent_codes,
    clean(template_code) AS template_code,
    coalesce(parse_boolean(clean(is_active)), true) AS is_active
FROM read_csv(getvariable('existing_file'), header = true, all_varchar = true, delim = ',', quote = '"');

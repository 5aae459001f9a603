SELECT
    clean(category_id) AS category_id,
    clean(class_sourced_id) AS class_sourced_id,
    clean_name(name) AS name,
    coalesce(parse_boolean(sis_enabled), false) AS is_sis_enabled,
    clean(sis_category_id) AS sis_category_id
FROM raw_categories
WHERE clean(category_id) IS NOT NULL
QUALIFY row_number() OVER (
    PARTITION BY clean(class_sourced_id), clean(category_id) ORDER BY name, sis_enabled, sis_category_id
) = 1

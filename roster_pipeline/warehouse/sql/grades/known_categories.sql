SELECT
    category_id,
    class_sourced_id,
    name,
    is_sis_enabled,
    sis_category_id
FROM grades.categories
WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year')

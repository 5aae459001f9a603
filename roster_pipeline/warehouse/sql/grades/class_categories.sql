-- What the SIS listed for single classes.
SELECT
    class_sourced_id,
    sis_category_id
FROM grades.sis_categories
WHERE
    source_id = getvariable('source_id')
    AND school_year = getvariable('school_year')
    AND class_sourced_id IS NOT NULL

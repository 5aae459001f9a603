WITH file_rows AS (
    SELECT
        type,
        action,
        code,
        name,
        strftime(start_date, '%Y-%m-%d') AS start_date,
        strftime(end_date, '%Y-%m-%d') AS end_date,
        CAST(is_active AS TINYINT) AS is_active,
        nullif(department_code, '') AS department_code,
        nullif(template_code, '') AS template_code,
        nullif(semester_code, '') AS semester_code,
        nullif(offering_code, '') AS offering_code,
        nullif(custom_code, '') AS custom_code,
        NULL AS discover,
        sort_order
    FROM {org_units}
    WHERE file = '{file}'
)
SELECT {columns}
FROM file_rows
ORDER BY sort_order, action DESC, code

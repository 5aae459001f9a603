INSERT INTO findings (code, kind, sourced_id, detail)
SELECT
    'delivery.refused' AS code,
    kind,
    sourced_id,
    CASE
        WHEN fault = 'depends_on_refused' THEN 'its ' || replace(field, '_', ' ') || ' was left out'
        ELSE field || ': ' || replace(fault, '_', ' ')
    END AS detail
FROM refused

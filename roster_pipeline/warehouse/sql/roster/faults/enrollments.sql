INSERT INTO findings (code, kind, sourced_id, detail, position)
WITH live AS (
    SELECT *
    FROM accepted
    WHERE status <> 'tobedeleted'
),

without_user AS (
    SELECT live.*
    FROM live
    ANTI JOIN accepted_users AS good ON live.user_sourced_id = good.sourced_id
),

without_class AS (
    SELECT live.*
    FROM live
    ANTI JOIN accepted_classes AS good ON live.class_sourced_id = good.sourced_id
)

SELECT
    CASE
        WHEN without_user.user_sourced_id IN (SELECT sourced_id FROM candidates_users)
            THEN 'enrollment.user_rejected'
        ELSE 'enrollment.user_unknown'
    END AS code,
    'enrollment' AS kind,
    sourced_id,
    user_sourced_id AS detail,
    position
FROM without_user
UNION ALL
SELECT
    CASE
        WHEN without_class.class_sourced_id IN (SELECT sourced_id FROM candidates_classes)
            THEN 'enrollment.class_rejected'
        ELSE 'enrollment.class_unknown'
    END AS code,
    'enrollment' AS kind,
    sourced_id,
    class_sourced_id AS detail,
    position
FROM without_class
UNION ALL
SELECT
    'enrollment.dates_contradict' AS code,
    'enrollment' AS kind,
    sourced_id,
    NULL AS detail,
    position
FROM live
WHERE dates_contradict

INSERT INTO findings (code, kind, sourced_id, detail, position)
WITH live AS NOT MATERIALIZED (
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
),

term_bounds AS (
    SELECT
        class.sourced_id,
        min(session.start_date) AS start_date,
        max(session.end_date) AS end_date
    FROM (SELECT sourced_id, unnest(term_sourced_ids) AS term_sourced_id FROM accepted_classes) AS class
    INNER JOIN accepted_academic_sessions AS session ON class.term_sourced_id = session.sourced_id
    GROUP BY class.sourced_id
),

repeated AS (
    -- By their hashes, which are much cheaper to group; rows that only share the hash fall out below.
    SELECT hash(user_sourced_id, class_sourced_id, role) AS triple
    FROM live
    WHERE status = 'active'
    GROUP BY triple
    HAVING count(*) > 1
)

SELECT
    CASE
        WHEN without_user.user_sourced_id IN (SELECT sourced_id FROM dropped_users)
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
        WHEN without_class.class_sourced_id IN (SELECT sourced_id FROM dropped_classes)
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
UNION ALL
SELECT
    'enrollment.outside_term' AS code,
    'enrollment' AS kind,
    live.sourced_id,
    live.class_sourced_id AS detail,
    live.position
FROM live
INNER JOIN term_bounds ON live.class_sourced_id = term_bounds.sourced_id
WHERE live.begin_date > term_bounds.end_date OR live.end_date <= term_bounds.start_date
UNION ALL
SELECT
    'enrollment.repeated' AS code,
    'enrollment' AS kind,
    sourced_id,
    user_sourced_id AS detail,
    position
FROM live
WHERE status = 'active' AND hash(user_sourced_id, class_sourced_id, role) IN (FROM repeated)
QUALIFY count(*) OVER (PARTITION BY user_sourced_id, class_sourced_id, role) > 1

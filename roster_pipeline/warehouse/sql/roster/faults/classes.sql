INSERT INTO findings (code, kind, sourced_id, detail, position)
WITH live AS (
    SELECT *
    FROM accepted
    WHERE status <> 'tobedeleted'
)

SELECT
    CASE
        WHEN course.sourced_id IS NULL THEN 'class.course_unknown'
        ELSE 'class.course_rejected'
    END AS code,
    'class' AS kind,
    class.sourced_id,
    class.course_sourced_id AS detail,
    class.position
FROM live AS class
ANTI JOIN accepted_courses AS good ON class.course_sourced_id = good.sourced_id
LEFT JOIN (SELECT DISTINCT sourced_id FROM dropped_courses) AS course
    ON class.course_sourced_id = course.sourced_id
UNION ALL
SELECT
    'class.course_deleted' AS code,
    'class' AS kind,
    class.sourced_id,
    class.course_sourced_id AS detail,
    class.position
FROM live AS class
INNER JOIN accepted_courses AS course ON class.course_sourced_id = course.sourced_id
WHERE course.status = 'tobedeleted'
UNION ALL
SELECT
    CASE
        WHEN school.sourced_id IS NULL THEN 'class.school_unknown'
        ELSE 'class.school_rejected'
    END AS code,
    'class' AS kind,
    class.sourced_id,
    class.school_sourced_id AS detail,
    class.position
FROM live AS class
ANTI JOIN accepted_orgs AS good ON class.school_sourced_id = good.sourced_id
LEFT JOIN (SELECT DISTINCT sourced_id FROM dropped_orgs) AS school
    ON class.school_sourced_id = school.sourced_id
UNION ALL
SELECT
    'class.term_unknown' AS code,
    'class' AS kind,
    class.sourced_id,
    class.term_sourced_id AS detail,
    class.position
FROM (SELECT sourced_id, position, unnest(term_sourced_ids) AS term_sourced_id FROM live) AS class
ANTI JOIN accepted_academic_sessions AS term ON class.term_sourced_id = term.sourced_id
UNION ALL
SELECT
    'class.term_missing' AS code,
    'class' AS kind,
    class.sourced_id,
    NULL AS detail,
    class.position
FROM live AS class
WHERE
    NOT list_has_any(
        class.term_sourced_ids,
        coalesce((SELECT list(sourced_id) FROM accepted_academic_sessions), [])
    )

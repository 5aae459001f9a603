-- One row per user and class of the year: the role that counts, and its dates.
WITH live AS (
    SELECT
        enrollment.sourced_id,
        enrollment.user_sourced_id,
        enrollment.class_sourced_id,
        enrollment.role,
        enrollment.begin_date,
        enrollment.end_date,
        enrollment.position,
        rule.brightspace_role
    FROM roster.enrollments AS enrollment
    SEMI JOIN year_classes AS class ON enrollment.class_sourced_id = class.sourced_id
    SEMI JOIN users_of_year AS person ON enrollment.user_sourced_id = person.sourced_id
    INNER JOIN role_rules AS rule ON enrollment.role = rule.sis_role
    WHERE
        enrollment.source_id = getvariable('source_id')
        AND enrollment.school_year = getvariable('school_year')
        AND enrollment.status = 'active'
        AND NOT coalesce(
            getvariable('unenroll_after_end_date') AND enrollment.end_date <= getvariable('as_of')::DATE, false
        )
),

repeated AS (
    SELECT hash(user_sourced_id, class_sourced_id) AS pair
    FROM live
    GROUP BY pair
    HAVING count(*) > 1
),

ranked AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY user_sourced_id, class_sourced_id
            -- A teacher of the class stays one; among equal roles the longest enrollment counts.
            ORDER BY
                coalesce(list_position(['teacher', 'administrator', 'proctor', 'aide', 'student'], role), 9),
                end_date DESC NULLS FIRST,
                begin_date NULLS FIRST,
                sourced_id
        ) AS place,
        count(DISTINCT role) OVER (PARTITION BY user_sourced_id, class_sourced_id) AS roles
    FROM live
    WHERE hash(user_sourced_id, class_sourced_id) IN (FROM repeated)
)

SELECT sourced_id, user_sourced_id, class_sourced_id, brightspace_role, begin_date, end_date, position, 1 AS roles
FROM live
WHERE hash(user_sourced_id, class_sourced_id) NOT IN (FROM repeated)
UNION ALL
SELECT sourced_id, user_sourced_id, class_sourced_id, brightspace_role, begin_date, end_date, position, roles
FROM ranked
WHERE place = 1

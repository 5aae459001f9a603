-- What the hierarchy had to bend, and what it had to leave out.
INSERT INTO findings (code, kind, sourced_id, detail, position)
SELECT 'org.district_missing', 'org', NULL, NULL, NULL
WHERE NOT EXISTS (FROM org_places WHERE type = 'district')
UNION ALL
SELECT 'org.district_several', 'org', NULL, count(*)::VARCHAR, NULL
FROM org_places
WHERE type = 'district'
HAVING count(*) > 1
UNION ALL
SELECT 'org.parent_cycle', 'org', sourced_id, NULL, position
FROM org_places
WHERE is_cycle
UNION ALL
SELECT 'academic_session.parent_cycle', 'academicSession', sourced_id, NULL, NULL
FROM session_years
WHERE is_cycle
UNION ALL
SELECT 'org.name_missing', 'org', sourced_id, unit_name, position
FROM org_places
WHERE name IS NULL AND is_unit
UNION ALL
SELECT 'org.identifier_missing', 'org', sourced_id, NULL, position
FROM org_places
WHERE identifier IS NULL AND is_unit AND getvariable('org_code') = 'identifier_or_name'
UNION ALL
SELECT 'org.code_repeated', 'org', sourced_id, code, NULL
FROM units
WHERE
    kind IN ('district', 'school', 'department', 'local', 'state', 'national')
    AND code IN (
        SELECT code
        FROM units
        WHERE kind IN ('district', 'school', 'department', 'local', 'state', 'national')
        GROUP BY code
        HAVING count(*) > 1
    )
UNION ALL
SELECT 'class.title_missing', 'class', sourced_id, fields.class_title, NULL
FROM year_classes
WHERE title_missing
UNION ALL
SELECT DISTINCT 'course.title_missing', 'course', course_sourced_id, course_title, NULL::BIGINT
FROM year_classes
WHERE course_title_missing
UNION ALL
SELECT 'class.section_number_missing', 'class', sourced_id, NULL, NULL
FROM year_classes
WHERE section_number IS NULL
UNION ALL
SELECT 'class.name_part_missing', 'class', sourced_id, NULL, NULL
FROM year_classes
WHERE name_part_missing
UNION ALL
SELECT 'class.lead_teacher_several', 'class', sourced_id, NULL, NULL
FROM year_classes
WHERE lead_teachers > 1
UNION ALL
SELECT 'class.date_session_missing', 'class', sourced_id, getvariable('dates_session_type'), NULL
FROM class_dates
WHERE session_missing
UNION ALL
SELECT 'class.dates_contradict', 'class', sourced_id, NULL, NULL
FROM class_dates
WHERE dates_contradict
UNION ALL
SELECT 'name.too_long', kind, sourced_id, NULL, NULL
FROM units
WHERE len(name) > 128
UNION ALL
SELECT 'name.character_replaced', kind, sourced_id, NULL, NULL
FROM units
WHERE deliverable(name) <> name
UNION ALL
SELECT 'enrollment.several_roles', 'enrollment', sourced_id, user_sourced_id, NULL
FROM class_enrollments
WHERE roles > 1;

INSERT INTO findings (code, kind, sourced_id, detail, position)
SELECT
    CASE
        WHEN enrollment.role NOT IN (SELECT sis_role FROM role_rules) THEN 'role.unmapped'
        ELSE 'enrollment.user_not_created'
    END AS code,
    'enrollment' AS kind,
    enrollment.sourced_id,
    CASE
        WHEN enrollment.role NOT IN (SELECT sis_role FROM role_rules) THEN enrollment.role
        ELSE enrollment.user_sourced_id
    END AS detail,
    enrollment.position
FROM roster.enrollments AS enrollment
SEMI JOIN year_classes AS class ON enrollment.class_sourced_id = class.sourced_id
LEFT JOIN users_of_year AS person ON enrollment.user_sourced_id = person.sourced_id
WHERE
    enrollment.source_id = getvariable('source_id')
    AND enrollment.school_year = getvariable('school_year')
    AND enrollment.status = 'active'
    AND (person.sourced_id IS NULL OR enrollment.role NOT IN (SELECT sis_role FROM role_rules))
    AND enrollment.user_sourced_id NOT IN (
        SELECT sourced_id
        FROM roster.users
        WHERE
            source_id = getvariable('source_id')
            AND school_year = getvariable('school_year')
            AND status = 'tobedeleted'
    )

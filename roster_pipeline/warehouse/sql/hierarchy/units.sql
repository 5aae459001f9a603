-- Every org unit of the school year with its parents; names still as long as the SIS has them.
SELECT
    'organization' AS kind,
    'root' AS sourced_id,
    'Organization' AS org_unit_type,
    'Organization' AS name,
    NULL AS code,
    NULL::DATE AS start_date,
    NULL::DATE AS end_date,
    []::VARCHAR[] AS parent_keys
UNION ALL
SELECT
    type AS kind,
    sourced_id,
    org_unit_type,
    unit_name AS name,
    CASE
        WHEN getvariable('org_code') = 'name' THEN unit_name
        ELSE coalesce(identifier, unit_name)
    END AS code,
    NULL AS start_date,
    NULL AS end_date,
    [parent_key] AS parent_keys
FROM org_places
WHERE is_unit
UNION ALL
SELECT
    mapped.kind,
    session.sourced_id,
    mapped.org_unit_type,
    coalesce(session.title, session.sourced_id) AS name,
    coalesce(session.title, session.sourced_id) AS code,
    session.start_date,
    session.end_date,
    ['organization:root'] AS parent_keys
FROM session_years AS session
INNER JOIN org_unit_types AS mapped ON session.type = mapped.sis_type
WHERE session.ends = getvariable('year_ends') AND session.status = 'active'
UNION ALL
SELECT
    'course_template' AS kind,
    course_sourced_id AS sourced_id,
    (SELECT org_unit_type FROM org_unit_types WHERE sis_type = 'course_template') AS org_unit_type,
    coalesce(template_name(fields), template_name_remains(fields), course_title) AS name,
    coalesce(
        template_code(fields, coalesce(template_name(fields), course_title)),
        template_code_remains(fields, course_title),
        course_sourced_id
    ) AS code,
    NULL AS start_date,
    NULL AS end_date,
    [
        coalesce(
            (SELECT home_key FROM org_places WHERE sourced_id = course.course_org_sourced_id),
            (SELECT min(own_key) FROM org_places WHERE is_unit AND type = 'district'),
            'organization:root'
        )
    ] AS parent_keys
FROM (
    SELECT
        course_sourced_id,
        any_value(course_title) AS course_title,
        any_value(course_org_sourced_id) AS course_org_sourced_id,
        -- A template's name draws on its course alone; the class's fields are those of any of its classes.
        arg_min(fields, sourced_id) AS fields
    FROM year_classes
    GROUP BY course_sourced_id
) AS course
UNION ALL
SELECT
    'course_offering' AS kind,
    class.sourced_id,
    (SELECT org_unit_type FROM org_unit_types WHERE sis_type = 'course_offering') AS org_unit_type,
    class.offering_name AS name,
    class.offering_code AS code,
    class_dates.start_date,
    class_dates.end_date,
    list_concat(
        ['course_template:' || class.course_sourced_id, coalesce(school.home_key, 'organization:root')],
        class.term_keys
    ) AS parent_keys
FROM year_classes AS class
LEFT JOIN org_places AS school ON class.school_sourced_id = school.sourced_id
LEFT JOIN class_dates ON class.sourced_id = class_dates.sourced_id
UNION ALL
SELECT
    'section' AS kind,
    sourced_id,
    (SELECT org_unit_type FROM org_unit_types WHERE sis_type = 'section') AS org_unit_type,
    section_name AS name,
    section_code AS code,
    NULL AS start_date,
    NULL AS end_date,
    ['course_offering:' || sourced_id] AS parent_keys
FROM year_classes

-- For each new offering the course whose content it starts with, and how many there are to choose from.
WITH offerings AS (
    SELECT
        org_unit_key,
        sourced_id,
        after ->> 'code' AS code,
        list_filter((after -> 'parents')::VARCHAR[], lambda key: starts_with(key, 'course_template:'))[1] AS template_key
    FROM delta.org_units
    WHERE
        source_id = getvariable('source_id')
        AND school_year = getvariable('school_year')
        AND kind = 'course_offering'
        AND action = 'create'
        AND getvariable('content_copy')
),

templates AS (
    SELECT
        unit.org_unit_key,
        unit.code,
        coalesce(mapping.code, delta.after ->> 'delivery_code', unit.delivery_code) AS delivery_code,
        coalesce(mapping.brightspace_id, (delta.after ->> 'brightspace_id')::BIGINT) AS brightspace_id
    FROM brightspace.org_units AS unit
    LEFT JOIN sync.mappings AS mapping
        ON unit.source_id = mapping.source_id AND unit.kind = mapping.kind AND unit.sourced_id = mapping.sourced_id
    LEFT JOIN delta.org_units AS delta
        ON
            unit.source_id = delta.source_id
            AND unit.school_year = delta.school_year
            AND unit.org_unit_key = delta.org_unit_key
    WHERE
        unit.source_id = getvariable('source_id')
        AND unit.school_year = getvariable('school_year')
        AND unit.kind = 'course_template'
),

courses AS (
    SELECT
        fields ->> 'code' AS code,
        code AS delivery_code,
        brightspace_id,
        list_filter((fields -> 'parents')::VARCHAR[], lambda key: starts_with(key, 'course_template:'))[1] AS template_key,
        NULL AS template_code
    FROM sync.mappings
    WHERE source_id = getvariable('source_id') AND kind = 'course_offering'
    UNION ALL
    SELECT code, code AS delivery_code, brightspace_id, NULL AS template_key, template_code
    FROM existing_org_units
    WHERE
        type = 'course offering'
        AND code NOT IN (
            SELECT code
            FROM sync.mappings
            WHERE source_id = getvariable('source_id') AND kind = 'course_offering' AND code IS NOT NULL
        )
),

found AS (
    SELECT offerings.org_unit_key, templates.delivery_code, templates.brightspace_id
    FROM offerings
    INNER JOIN templates ON offerings.template_key = templates.org_unit_key
    WHERE getvariable('content_copy_from') = 'parent_template'
    UNION ALL
    SELECT offerings.org_unit_key, courses.delivery_code, courses.brightspace_id
    FROM offerings
    INNER JOIN courses ON offerings.code = courses.code
    WHERE getvariable('content_copy_from') = 'same_code'
    UNION ALL
    SELECT offerings.org_unit_key, courses.delivery_code, courses.brightspace_id
    FROM offerings
    INNER JOIN templates ON offerings.template_key = templates.org_unit_key
    INNER JOIN courses
        ON
            templates.code = courses.code
            AND (
                courses.template_key = templates.org_unit_key
                OR courses.template_code IN (templates.code, templates.delivery_code)
            )
    WHERE getvariable('content_copy_from') = 'sibling'
)

SELECT
    offerings.org_unit_key,
    offerings.sourced_id,
    CASE getvariable('content_copy_from')
        WHEN 'sibling' THEN 'a sibling with the code of the template'
        WHEN 'parent_template' THEN 'the parent template'
        ELSE 'a course with the code ' || offerings.code
    END AS wanted,
    count(found.org_unit_key) AS sources,
    any_value(found.delivery_code) AS source_code,
    any_value(found.brightspace_id) AS source_brightspace_id
FROM offerings
LEFT JOIN found ON offerings.org_unit_key = found.org_unit_key
GROUP BY ALL

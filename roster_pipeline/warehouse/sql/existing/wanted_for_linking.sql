-- New offerings that may be linked: whether the course of the same code is active. New offerings that start with a
-- sibling's content: what hangs below which template.
SELECT NULL::BIGINT AS org_unit_id, type, code, true AS course, false AS parents, false AS enrollments
FROM unit_candidates
WHERE may_link AND kind = 'course_offering' AND code IS NOT NULL
UNION ALL
SELECT
    NULL::BIGINT AS org_unit_id,
    lower(offering.type) AS type,
    template.code,
    false AS course,
    true AS parents,
    false AS enrollments
FROM unit_candidates AS offering
INNER JOIN brightspace.org_unit_parents AS link
    ON
        offering.org_unit_key = link.org_unit_key
        AND link.source_id = getvariable('source_id')
        AND link.school_year = getvariable('school_year')
INNER JOIN brightspace.org_units AS template
    ON
        link.parent_key = template.org_unit_key
        AND template.source_id = getvariable('source_id')
        AND template.school_year = getvariable('school_year')
WHERE
    offering.kind = 'course_offering'
    AND template.kind = 'course_template'
    AND template.code IS NOT NULL
    AND getvariable('content_copy')
    AND getvariable('content_copy_from') = 'sibling'

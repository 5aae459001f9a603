-- New offerings whose content is still to be asked for, or was asked for by a run that ended before the answer.
SELECT
    offering.sourced_id,
    offering.brightspace_id AS offering_id,
    offering.code AS offering_code,
    template.brightspace_id AS template_id,
    template.code AS template_code,
    copy.state = 'started' AS was_started
FROM sync.content_copies AS copy
INNER JOIN sync.mappings AS offering
    ON copy.source_id = offering.source_id AND copy.org_unit_key = offering.kind || ':' || offering.sourced_id
INNER JOIN brightspace.org_unit_parents AS link
    ON
        copy.source_id = link.source_id
        AND copy.school_year = link.school_year
        AND copy.org_unit_key = link.org_unit_key
        AND starts_with(link.parent_key, 'course_template:')
INNER JOIN sync.mappings AS template
    ON copy.source_id = template.source_id AND link.parent_key = template.kind || ':' || template.sourced_id
WHERE
    copy.source_id = getvariable('source_id')
    AND copy.school_year = getvariable('school_year')
    AND copy.state IN ('waiting', 'started')
    AND offering.brightspace_id IS NOT NULL
    AND template.brightspace_id IS NOT NULL

-- New org units, and whether the settings let them be linked to one that Brightspace holds already.
SELECT
    unit.*,
    CASE
        WHEN unit.kind = 'section' THEN getvariable('link_sections')
        WHEN unit.kind = 'course_offering' THEN getvariable('link_offerings')
        WHEN unit.kind = 'course_template' THEN getvariable('link_templates')
        WHEN unit.kind = 'department' THEN getvariable('link_departments')
        WHEN unit.kind IN ('school_year', 'semester', 'term', 'grading_period') THEN getvariable('link_semesters')
        ELSE getvariable('link_other_org_units')
    END AS may_link
FROM (
    SELECT
        org_unit_key,
        kind,
        sourced_id,
        code,
        name,
        lower(org_unit_type) AS type,
        count(*) OVER (PARTITION BY lower(org_unit_type), code) AS times_in_sis
    FROM brightspace.org_units
    WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year') AND kind <> 'organization'
) AS unit
WHERE
    unit.org_unit_key NOT IN (
        SELECT kind || ':' || sourced_id
        FROM sync.mappings
        WHERE source_id = getvariable('source_id') AND kind NOT IN ('user', 'relationship', 'enrollment')
    )
    AND unit.org_unit_key NOT IN (SELECT key FROM held_by_later_year)

-- The ten largest groups of removals and changes, by what, where and why.
SELECT entity, school, action, reason, count(*) AS rows
FROM (
    SELECT 'org_units' AS entity, kind AS school, action, reason
    FROM delta.org_units
    WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year')
    UNION ALL
    SELECT 'users' AS entity, NULL AS school, action, reason
    FROM delta.users
    WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year')
    UNION ALL
    SELECT 'relationships' AS entity, NULL AS school, action, reason
    FROM delta.relationships
    WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year')
    UNION ALL
    SELECT 'enrollments' AS entity, school.name AS school, enrollment.action, enrollment.reason
    FROM delta.enrollments AS enrollment
    LEFT JOIN brightspace.org_unit_parents AS link
        ON
            enrollment.source_id = link.source_id
            AND enrollment.school_year = link.school_year
            AND replace(enrollment.org_unit_key, 'section:', 'course_offering:') = link.org_unit_key
            AND link.parent_key LIKE 'school:%'
    LEFT JOIN brightspace.org_units AS school
        ON
            link.source_id = school.source_id
            AND link.school_year = school.school_year
            AND link.parent_key = school.org_unit_key
    WHERE enrollment.source_id = getvariable('source_id') AND enrollment.school_year = getvariable('school_year')
)
WHERE action <> 'create'
GROUP BY ALL
ORDER BY rows DESC, entity, school, action, reason
LIMIT 10

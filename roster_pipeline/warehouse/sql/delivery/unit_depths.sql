-- How far below the organization each upper org unit hangs: parents are written before their children.
WITH RECURSIVE depths AS (
    SELECT 'organization:root' AS org_unit_key, 0 AS depth
    UNION ALL
    SELECT link.org_unit_key, depths.depth + 1 AS depth
    FROM depths
    INNER JOIN brightspace.org_unit_parents AS link
        ON
            depths.org_unit_key = link.parent_key
            AND link.source_id = getvariable('source_id')
            AND link.school_year = getvariable('school_year')
    INNER JOIN unit_codes AS unit
        ON link.org_unit_key = unit.org_unit_key AND unit.file IN ('Other', 'Departments', 'Semesters')
    WHERE depths.depth < 20
)

SELECT org_unit_key, max(depth) AS depth
FROM depths
GROUP BY org_unit_key

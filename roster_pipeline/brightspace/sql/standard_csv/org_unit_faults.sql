-- What only the rows of the org unit files together can show: kinds, needed parents, order.
WITH parents AS (
    SELECT
        code,
        file,
        sort_order,
        unnest(
            [department_code, template_code, semester_code, offering_code] || string_split(custom_code, '|')
        ) AS parent_code
    FROM {org_units}
    WHERE action = 'UPDATE'
)
SELECT 'org_unit' AS entity, code AS key, 'unknown_action' AS fault, 'action' AS field, action AS value
FROM {org_units}
WHERE action NOT IN ('UPDATE', 'DELETE')
UNION ALL
SELECT 'org_unit', code, 'unknown_file', 'file', file
FROM {org_units}
WHERE file IS NULL OR file NOT IN {files}
UNION ALL
SELECT 'org_unit', org_units.code, 'wrong_type', 'type', org_units.type
FROM {org_units} AS org_units
INNER JOIN (VALUES {types}) AS kinds (file, type) USING (file)
WHERE org_units.type <> kinds.type
UNION ALL
SELECT 'org_unit', code, 'missing', 'template_code', NULL
FROM {org_units}
WHERE file = 'Offerings' AND action = 'UPDATE' AND coalesce(template_code, '') = ''
UNION ALL
SELECT 'org_unit', code, 'missing', 'offering_code', NULL
FROM {org_units}
WHERE file = 'Sections' AND action = 'UPDATE' AND coalesce(offering_code, '') = ''
UNION ALL
-- Files are applied by name and rows from top to bottom, so a parent has to stand in front of its children.
SELECT
    'org_unit',
    parents.code,
    CASE WHEN org_units.action = 'DELETE' THEN 'parent_deleted' ELSE 'parent_after_child' END,
    'code',
    parents.parent_code
FROM parents
INNER JOIN {org_units} AS org_units ON org_units.code = parents.parent_code
WHERE
    org_units.action = 'DELETE'
    OR (list_position({files}, org_units.file), org_units.sort_order)
    >= (list_position({files}, parents.file), parents.sort_order)

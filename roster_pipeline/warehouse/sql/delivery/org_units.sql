WITH changed AS (
    SELECT
        org_unit_key,
        kind,
        after,
        unnest((after -> 'parents')::VARCHAR[]) AS parent_key
    FROM due_org_units
    WHERE action IN ('create', 'update', 'inactivate')
),

parents AS (
    SELECT
        changed.org_unit_key,
        min(parent.code) FILTER (parent.file = 'Departments') AS department_code,
        min(parent.code) FILTER (parent.file = 'Templates') AS template_code,
        min(parent.code) FILTER (parent.file = 'Semesters') AS semester_code,
        min(parent.code) FILTER (parent.file = 'Offerings') AS offering_code,
        string_agg(parent.code, '|' ORDER BY parent.code) FILTER (parent.file = 'Other') AS custom_code
    FROM changed
    LEFT JOIN unit_codes AS parent ON changed.parent_key = parent.org_unit_key
    GROUP BY changed.org_unit_key
)

SELECT
    unit.kind,
    unit.sourced_id,
    own.file,
    CASE own.file
        WHEN 'Departments' THEN 'department'
        WHEN 'Semesters' THEN 'semester'
        WHEN 'Templates' THEN 'course template'
        WHEN 'Offerings' THEN 'course offering'
        WHEN 'Sections' THEN 'course section'
        ELSE lower(unit.after ->> 'org_unit_type')
    END AS type,
    'UPDATE' AS action,
    own.code,
    unit.after ->> 'name' AS name,
    CASE WHEN own.file IN ('Semesters', 'Offerings') THEN (unit.after ->> 'start_date')::DATE END AS start_date,
    CASE WHEN own.file IN ('Semesters', 'Offerings') THEN (unit.after ->> 'end_date')::DATE END AS end_date,
    CASE WHEN own.file = 'Offerings' THEN (unit.after ->> 'is_active')::BOOLEAN END AS is_active,
    parents.department_code,
    parents.template_code,
    parents.semester_code,
    parents.offering_code,
    parents.custom_code,
    coalesce(unit_depths.depth, 0) AS sort_order
FROM due_org_units AS unit
INNER JOIN unit_codes AS own ON unit.org_unit_key = own.org_unit_key
INNER JOIN parents ON unit.org_unit_key = parents.org_unit_key
LEFT JOIN unit_depths ON unit.org_unit_key = unit_depths.org_unit_key
WHERE unit.action IN ('create', 'update', 'inactivate')

-- Every org unit as Brightspace will hold it after this delivery: its code, and the file its kind goes into.
WITH managed AS (
    SELECT kind, sourced_id, code, fields
    FROM sync.mappings
    WHERE source_id = getvariable('source_id') AND kind NOT IN ('user', 'relationship', 'enrollment')
)

SELECT
    org_unit_key,
    code,
    CASE
        WHEN kind = 'course_template' THEN 'Templates'
        WHEN kind = 'course_offering' THEN 'Offerings'
        WHEN kind = 'section' THEN 'Sections'
        WHEN lower(org_unit_type) = 'department' THEN 'Departments'
        WHEN lower(org_unit_type) = 'semester' THEN 'Semesters'
        ELSE 'Other'
    END AS file
FROM (
    SELECT
        org_unit_key,
        kind,
        after ->> 'delivery_code' AS code,
        after ->> 'org_unit_type' AS org_unit_type
    FROM due_org_units
    -- New ones, and linked ones.
    WHERE
        action IN ('create', 'update')
        AND org_unit_key NOT IN (SELECT kind || ':' || sourced_id FROM managed)
    UNION ALL
    SELECT
        kind || ':' || sourced_id AS org_unit_key,
        kind,
        code,
        fields ->> 'org_unit_type' AS org_unit_type
    FROM managed
)

WITH desired AS (
    SELECT
        unit.org_unit_key,
        unit.kind,
        unit.sourced_id,
        {
            'code': unit.code,
            'delivery_code': unit.delivery_code,
            'name': unit.name,
            'org_unit_type': unit.org_unit_type,
            'start_date': unit.start_date,
            'end_date': unit.end_date,
            'is_active': unit.is_active
                AND (unit.kind <> 'course_offering' OR getvariable('new_offerings_active')),
            'sis_is_active': unit.is_active,
            'parents': parent.keys
        } AS unit
    FROM brightspace.org_units AS unit
    INNER JOIN (
        SELECT org_unit_key, list(parent_key ORDER BY parent_key) AS keys
        FROM brightspace.org_unit_parents
        WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year')
        GROUP BY org_unit_key
    ) AS parent ON unit.org_unit_key = parent.org_unit_key
    WHERE
        unit.source_id = getvariable('source_id')
        AND unit.school_year = getvariable('school_year')
        AND unit.org_unit_key NOT IN (SELECT key FROM held_by_later_year)
),

-- A unit that Brightspace holds already and that is linked counts as managed from now on, with the fields it has. Where
-- it hangs is said anew: the rows of existing units name other codes than ours.
mapped AS (
    SELECT
        kind || ':' || sourced_id AS org_unit_key,
        kind,
        sourced_id,
        fields,
        false AS is_link
    FROM sync.mappings
    WHERE source_id = getvariable('source_id') AND kind NOT IN ('user', 'relationship', 'enrollment')
    UNION ALL
    SELECT
        link.org_unit_key,
        link.kind,
        link.sourced_id,
        to_json({
            'code': link.code,
            'delivery_code': link.code,
            'name': link.name,
            'org_unit_type': desired.unit.org_unit_type,
            'start_date': NULL::DATE,
            'end_date': NULL::DATE,
            'is_active': link.is_active,
            'sis_is_active': link.is_active,
            'parents': desired.unit.parents,
            'brightspace_id': link.brightspace_id
        }) AS fields,
        true AS is_link
    FROM unit_links AS link
    INNER JOIN desired ON link.org_unit_key = desired.org_unit_key
    WHERE link.verdict = 'linked'
),

compared AS MATERIALIZED (
    SELECT
        desired.*,
        mapped.fields,
        mapped.is_link,
        desired.kind IN ('course_template', 'course_offering', 'section') AS is_course,
        CASE
            WHEN desired.kind IN ('course_template', 'course_offering') THEN getvariable('overwrite_course_name')
            WHEN desired.kind = 'section' THEN getvariable('overwrite_section_name')
            WHEN desired.kind IN ('school_year', 'semester', 'term', 'grading_period')
                THEN getvariable('overwrite_semester_name')
            WHEN desired.kind = 'department' THEN getvariable('overwrite_department_name')
            ELSE getvariable('overwrite_org_unit_name')
        END AS may_rename
    FROM desired
    INNER JOIN mapped ON desired.org_unit_key = mapped.org_unit_key
    -- The same text says at once that nothing changed; the fields are looked at only where it is another one.
    WHERE mapped.is_link OR mapped.fields::VARCHAR <> to_json(desired.unit)::VARCHAR
),

changes AS (
    SELECT
        *,
        [
            field_change(
                'code',
                fields -> 'code',
                to_json(unit.code),
                CASE WHEN is_course THEN getvariable('overwrite_course_code') ELSE may_rename END
            ),
            field_change('name', fields -> 'name', to_json(unit.name), may_rename),
            field_change(
                'start_date',
                fields -> 'start_date',
                to_json(unit.start_date),
                NOT is_course OR getvariable('overwrite_course_dates')
            ),
            field_change(
                'end_date',
                fields -> 'end_date',
                to_json(unit.end_date),
                NOT is_course OR getvariable('overwrite_course_dates')
            ),
            -- The state in Brightspace follows the SIS when the SIS changes its mind, not night after night:
            -- a course activated by hand stays active.
            field_change(
                'is_active',
                fields -> 'sis_is_active',
                to_json(unit.sis_is_active),
                kind = 'course_offering' AND getvariable('overwrite_course_status')
            ),
            field_change(
                'sis_is_active',
                fields -> 'sis_is_active',
                to_json(unit.sis_is_active),
                kind = 'course_offering' AND getvariable('overwrite_course_status')
            ),
            field_change('parents', fields -> 'parents', to_json(unit.parents), true)
        ] AS changes
    FROM compared
),

-- What the SIS says of the objects behind org units. An equality on one key: a condition on the kind beside it would
-- make DuckDB compare every row with every other.
sis_units AS (
    SELECT unnest(['course_offering:' || sourced_id, 'section:' || sourced_id]) AS org_unit_key, status
    FROM roster.classes
    WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year')
    UNION ALL
    SELECT 'course_template:' || sourced_id AS org_unit_key, status
    FROM roster.courses
    WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year')
    UNION ALL
    SELECT type || ':' || sourced_id AS org_unit_key, status
    FROM roster.orgs
    WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year')
    UNION ALL
    SELECT unnest(['school_year:', 'semester:', 'term:', 'grading_period:']) || sourced_id AS org_unit_key, status
    FROM roster.academic_sessions
    WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year')
),

gone AS (
    SELECT mapped.*, sis_units.status
    FROM mapped
    INNER JOIN sis_units ON mapped.org_unit_key = sis_units.org_unit_key
    WHERE
        mapped.org_unit_key NOT IN (SELECT org_unit_key FROM desired)
        AND mapped.org_unit_key NOT IN (SELECT key FROM held_by_later_year)
)

SELECT
    org_unit_key,
    kind,
    sourced_id,
    'create' AS action,
    ['code', 'delivery_code', 'name', 'org_unit_type', 'start_date', 'end_date', 'is_active', 'parents']
        AS changed_fields,
    NULL AS before,
    to_json(unit) AS after,
    'new in the SIS' AS reason
FROM desired
WHERE org_unit_key NOT IN (SELECT org_unit_key FROM mapped)
UNION ALL
SELECT
    org_unit_key,
    kind,
    sourced_id,
    'update' AS action,
    list_filter(changed_names(changes), lambda name: name <> 'sis_is_active') AS changed_fields,
    fields AS before,
    changed_fields_json(fields, changes) AS after,
    update_reason(
        CASE WHEN is_link THEN 'linked to the org unit with the same code' END,
        list_filter(changed_names(changes), lambda name: name <> 'sis_is_active')
    ) AS reason
FROM changes
WHERE is_link OR len(changed_names(changes)) > 0
UNION ALL
SELECT
    org_unit_key,
    kind,
    sourced_id,
    CASE
        WHEN kind = 'course_offering' AND getvariable('on_delete') = 'inactivate' THEN 'inactivate'
        ELSE 'unmap'
    END AS action,
    CASE
        WHEN kind = 'course_offering' AND getvariable('on_delete') = 'inactivate' THEN ['is_active']
        ELSE []
    END AS changed_fields,
    fields AS before,
    CASE
        WHEN kind = 'course_offering' AND getvariable('on_delete') = 'inactivate'
            THEN json_merge_patch(fields, '{"is_active": false, "sis_is_active": false}'::JSON)
    END AS after,
    CASE
        WHEN kind IN ('course_offering', 'section')
            THEN 'class deleted in the SIS; courses.on_delete is ' || getvariable('on_delete')
        ELSE 'deleted in the SIS; Brightspace keeps the unit'
    END AS reason
FROM gone
WHERE status = 'tobedeleted'
UNION ALL
SELECT
    org_unit_key,
    kind,
    sourced_id,
    'update' AS action,
    ['is_active'] AS changed_fields,
    fields AS before,
    json_merge_patch(fields, '{"is_active": false, "sis_is_active": false}'::JSON) AS after,
    'class inactive in the SIS' AS reason
FROM gone
WHERE
    kind = 'course_offering'
    AND status = 'inactive'
    AND getvariable('overwrite_course_status')
    AND (fields ->> 'sis_is_active') = 'true'

WITH desired AS (
    SELECT
        user_sourced_id,
        org_unit_key,
        role,
        pair_key(user_sourced_id, org_unit_key) AS sourced_id
    FROM brightspace.enrollments
    WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year')
),

mapped AS (
    SELECT sourced_id, fields, school_year
    FROM sync.mappings
    WHERE source_id = getvariable('source_id') AND kind = 'enrollment'
),

-- One comparison of the two, by far the largest relations here; what follows looks only at what differs.
compared AS MATERIALIZED (
    SELECT
        mapped.fields,
        mapped.school_year,
        desired.role,
        desired.sourced_id IS NOT NULL AS is_desired,
        mapped.sourced_id IS NOT NULL AS is_mapped,
        coalesce(desired.user_sourced_id, mapped.fields ->> 'user_sourced_id') AS user_sourced_id,
        coalesce(desired.org_unit_key, mapped.fields ->> 'org_unit_key') AS org_unit_key
    FROM desired
    FULL JOIN mapped ON desired.sourced_id = mapped.sourced_id
    WHERE
        -- The end of the text mostly says that the role is the same; the fields are looked at only where it does not.
        NOT coalesce(suffix(mapped.fields::VARCHAR, '"role":"' || desired.role || '"}'), false)
        AND (mapped.fields ->> 'role') IS DISTINCT FROM desired.role
),

-- People, and with them their schools and districts, belong to the newest school year delivered; courses to theirs.
different AS (
    SELECT
        *,
        regexp_matches(org_unit_key, '^(section|course_offering):') AS in_course,
        CASE WHEN in_course THEN org_unit_key ELSE 'user:' || user_sourced_id END
        IN (SELECT key FROM held_by_later_year) AS is_held
    FROM compared
),

own AS (
    FROM different
    WHERE is_desired AND NOT is_held
),

undesired AS (
    SELECT
        fields,
        school_year,
        user_sourced_id,
        org_unit_key,
        in_course,
        regexp_extract(org_unit_key, '^(section|course_offering):(.*)$', 2) AS class_sourced_id
    FROM different
    WHERE NOT is_desired AND NOT is_held
),

undesired_in_courses AS (
    SELECT undesired.*
    FROM undesired
    WHERE in_course
),

sis_rows AS (
    SELECT
        enrollment.user_sourced_id,
        enrollment.class_sourced_id,
        bool_or(enrollment.status = 'active') AS is_active,
        max(enrollment.end_date) FILTER (enrollment.status = 'active') AS end_date
    FROM roster.enrollments AS enrollment
    SEMI JOIN undesired_in_courses AS undesired
        ON
            enrollment.user_sourced_id = undesired.user_sourced_id
            AND enrollment.class_sourced_id = undesired.class_sourced_id
    WHERE enrollment.source_id = getvariable('source_id') AND enrollment.school_year = getvariable('school_year')
    GROUP BY enrollment.user_sourced_id, enrollment.class_sourced_id
),

judged AS (
    SELECT
        undesired.*,
        CASE
            WHEN unit.org_unit_key IS NOT NULL THEN 'unmap'
            WHEN
                sis_rows.is_active
                AND getvariable('unenroll_after_end_date')
                AND sis_rows.end_date <= getvariable('as_of')::DATE
                THEN 'delete'
            WHEN sis_rows.is_active THEN 'keep'
            WHEN NOT sis_rows.is_active THEN 'delete'
            -- A row that is there but could not be used is not an absent row.
            WHEN reject.user_sourced_id IS NOT NULL THEN 'keep'
            WHEN
                getvariable('enrollments_complete')
                AND (
                    undesired.school_year = getvariable('school_year')
                    OR undesired.org_unit_key IN (
                        SELECT org_unit_key
                        FROM brightspace.org_units
                        WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year')
                    )
                )
                THEN 'delete'
            ELSE 'keep'
        END AS action,
        CASE
            WHEN unit.org_unit_key IS NOT NULL THEN 'class deleted in the SIS; Brightspace keeps its enrollments'
            WHEN sis_rows.is_active THEN 'end date ' || sis_rows.end_date || ' has come'
            WHEN NOT sis_rows.is_active THEN 'deleted in the SIS'
            ELSE 'no longer in the SIS'
        END AS reason
    FROM undesired_in_courses AS undesired
    LEFT JOIN delta.org_units AS unit
        ON
            undesired.org_unit_key = unit.org_unit_key
            AND unit.action IN ('unmap', 'inactivate')
            AND unit.source_id = getvariable('source_id')
            AND unit.school_year = getvariable('school_year')
    LEFT JOIN sis_rows
        ON
            undesired.user_sourced_id = sis_rows.user_sourced_id
            AND undesired.class_sourced_id = sis_rows.class_sourced_id
    LEFT JOIN (
        SELECT DISTINCT user_sourced_id, class_sourced_id
        FROM roster.rejects
        WHERE
            source_id = getvariable('source_id')
            AND school_year = getvariable('school_year')
            AND kind = 'enrollment'
    ) AS reject
        ON
            undesired.user_sourced_id = reject.user_sourced_id
            AND undesired.class_sourced_id = reject.class_sourced_id
)

SELECT
    user_sourced_id,
    org_unit_key,
    'create' AS action,
    ['role'] AS changed_fields,
    NULL AS before,
    json_object('user_sourced_id', user_sourced_id, 'org_unit_key', org_unit_key, 'role', role) AS after,
    'new in the SIS' AS reason
FROM own
WHERE NOT is_mapped
UNION ALL
SELECT
    user_sourced_id,
    org_unit_key,
    'update' AS action,
    ['role'] AS changed_fields,
    fields AS before,
    json_merge_patch(fields, json_object('role', role)) AS after,
    'changed in the SIS: role' AS reason
FROM own
WHERE
    is_mapped
    AND CASE
        WHEN in_course THEN getvariable('overwrite_role_in_course')
        ELSE getvariable('overwrite_role_in_upper_org_units')
    END
UNION ALL
SELECT
    user_sourced_id,
    org_unit_key,
    action,
    [] AS changed_fields,
    fields AS before,
    NULL AS after,
    reason
FROM judged
WHERE action <> 'keep'
UNION ALL
SELECT
    undesired.user_sourced_id,
    undesired.org_unit_key,
    'delete' AS action,
    [] AS changed_fields,
    undesired.fields AS before,
    NULL AS after,
    'the user no longer belongs to it in the SIS' AS reason
FROM undesired
INNER JOIN brightspace.users AS person
    ON
        undesired.user_sourced_id = person.sourced_id
        AND person.source_id = getvariable('source_id')
        AND person.school_year = getvariable('school_year')
WHERE
    NOT undesired.in_course
    AND getvariable('unenroll_when_org_left')

-- What rests on something that Brightspace does not hold and, because that is refused, will not hold either.
INSERT INTO refused
SELECT DISTINCT kind, sourced_id, 'depends_on_refused' AS fault, 'parents' AS field
FROM (
    SELECT kind, sourced_id, unnest((after -> 'parents')::VARCHAR[]) AS parent_key
    FROM due_org_units
    WHERE action IN ('create', 'update', 'inactivate')
)
WHERE parent_key <> 'organization:root' AND parent_key NOT IN (SELECT org_unit_key FROM unit_codes)
UNION ALL
SELECT
    'relationship' AS kind,
    pair_key(student_sourced_id, guardian_sourced_id) AS sourced_id,
    'depends_on_refused' AS fault,
    'user' AS field
FROM due_relationships
WHERE
    -- The student's line carries the link.
    student_sourced_id IN (SELECT sourced_id FROM refused WHERE kind = 'user')
    OR (
        action = 'create'
        AND (
            student_sourced_id NOT IN (SELECT sourced_id FROM current_users)
            OR guardian_sourced_id NOT IN (SELECT sourced_id FROM current_users)
        )
    )
UNION ALL
SELECT
    'enrollment' AS kind,
    pair_key(user_sourced_id, org_unit_key) AS sourced_id,
    'depends_on_refused' AS fault,
    CASE WHEN user_sourced_id IN (SELECT sourced_id FROM current_users) THEN 'org_unit' ELSE 'user' END AS field
FROM due_enrollments
WHERE
    (
        action IN ('create', 'update')
        AND (
            user_sourced_id NOT IN (SELECT sourced_id FROM current_users)
            OR org_unit_key NOT IN (SELECT org_unit_key FROM unit_codes)
        )
    )
    -- The offering has no line of its own: the section's enrollment makes it.
    OR (
        starts_with(org_unit_key, 'course_offering:')
        AND pair_key(user_sourced_id, replace(org_unit_key, 'course_offering:', 'section:')) IN (
            SELECT sourced_id FROM refused WHERE kind = 'enrollment'
        )
    )

-- Whether an identity, as sync.mappings and the audit log have it, belongs to the record that is asked for.
-- A record of an org or a session has become a unit of the kind that its type is mapped to.
CREATE OR REPLACE TEMP MACRO is_explained(unit_kind, unit_id) AS
    CASE getvariable('asked_kind')
        WHEN 'user' THEN
            (unit_kind = 'user' AND unit_id = getvariable('asked_id'))
            OR (
                unit_kind IN ('enrollment', 'relationship')
                AND starts_with(unit_id, pair_key(getvariable('asked_id'), ''))
            )
            OR (unit_kind = 'relationship' AND ends_with(unit_id, '|' || getvariable('asked_id')))
        WHEN 'class' THEN
            unit_kind IN ('course_offering', 'section') AND unit_id = getvariable('asked_id')
        WHEN 'course' THEN unit_kind = 'course_template' AND unit_id = getvariable('asked_id')
        WHEN 'academicSession' THEN
            unit_kind IN ('school_year', 'semester', 'term', 'grading_period') AND unit_id = getvariable('asked_id')
        WHEN 'org' THEN
            unit_kind IN ('district', 'school', 'department', 'local', 'state', 'national')
            AND unit_id = getvariable('asked_id')
        WHEN 'enrollment' THEN
            unit_kind = 'enrollment'
            AND unit_id IN (
                pair_key(getvariable('asked_user')::VARCHAR, 'section:' || getvariable('asked_class')::VARCHAR),
                pair_key(getvariable('asked_user')::VARCHAR, 'course_offering:' || getvariable('asked_class')::VARCHAR)
            )
    END

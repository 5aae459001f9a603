-- Of the managed org units everything is wanted that Brightspace tells of them. A section hangs where it was made: that
-- is not worth a call each.
SELECT
    brightspace_id AS org_unit_id,
    type,
    code,
    kind = 'course_offering' AS course,
    kind <> 'section' OR getvariable('way') = 'data_sets' AS parents,
    true AS enrollments
FROM managed_units
WHERE in_scope

SELECT
    enrollment.user_sourced_id,
    enrollment.org_unit_key,
    unit.name,
    enrollment.role,
    enrollment.begin_date,
    enrollment.end_date
FROM brightspace.enrollments AS enrollment
LEFT JOIN brightspace.org_units AS unit USING (source_id, school_year, org_unit_key)
WHERE
    enrollment.source_id = getvariable('source_id')
    AND enrollment.school_year = getvariable('school_year')
    AND is_explained('enrollment', pair_key(enrollment.user_sourced_id, enrollment.org_unit_key))
ORDER BY enrollment.org_unit_key

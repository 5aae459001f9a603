SELECT
    unit.org_unit_key,
    unit.org_unit_type,
    unit.code,
    unit.delivery_code,
    unit.name,
    unit.start_date,
    unit.end_date,
    unit.is_active,
    list(link.parent_key ORDER BY link.parent_key) AS parents
FROM brightspace.org_units AS unit
LEFT JOIN brightspace.org_unit_parents AS link USING (source_id, school_year, org_unit_key)
WHERE
    unit.source_id = getvariable('source_id')
    AND unit.school_year = getvariable('school_year')
    AND is_explained(unit.kind, unit.sourced_id)
GROUP BY ALL
ORDER BY unit.org_unit_key

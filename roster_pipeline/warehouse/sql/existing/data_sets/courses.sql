SELECT org_unit_id, is_active, start_date, end_date
FROM org_units
WHERE NOT coalesce(is_deleted, false) AND recycled_date IS NULL

-- What is in the recycle bin counts as deleted too.
SELECT org_unit_id, type, code, name
FROM org_units
WHERE NOT coalesce(is_deleted, false) AND recycled_date IS NULL

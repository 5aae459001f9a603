SELECT link.org_unit_id, link.parent_org_unit_id AS parent_id
FROM org_unit_parents AS link
SEMI JOIN asked ON link.org_unit_id = asked.org_unit_id AND asked.parents
SEMI JOIN read_parquet(getvariable('folder') || '/org_units.parquet') AS parent
    ON link.parent_org_unit_id = parent.org_unit_id
WHERE link.date_deleted IS NULL

INSERT INTO findings (code, kind, sourced_id, detail, position)
SELECT
    'org.parent_unknown' AS code,
    'org' AS kind,
    org.sourced_id,
    org.parent_sourced_id AS detail,
    org.position
FROM accepted AS org
ANTI JOIN accepted AS parent ON org.parent_sourced_id = parent.sourced_id
WHERE org.parent_sourced_id IS NOT NULL AND org.status <> 'tobedeleted'

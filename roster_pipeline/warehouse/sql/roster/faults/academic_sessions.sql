INSERT INTO findings (code, kind, sourced_id, detail, position)
SELECT
    'academic_session.parent_unknown' AS code,
    'academicSession' AS kind,
    child.sourced_id,
    child.parent_sourced_id AS detail,
    child.position
FROM accepted AS child
ANTI JOIN accepted AS parent ON child.parent_sourced_id = parent.sourced_id
WHERE child.parent_sourced_id IS NOT NULL AND child.status <> 'tobedeleted'
UNION ALL
SELECT
    'academic_session.school_year_derived' AS code,
    'academicSession' AS kind,
    sourced_id,
    coalesce(school_year_ends::VARCHAR, 'none') AS detail,
    position
FROM accepted
WHERE year_derived AND status <> 'tobedeleted'

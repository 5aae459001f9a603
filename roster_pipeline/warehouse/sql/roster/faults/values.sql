-- Values that could not be read, and enumerations in other letters: the rows are used all the same.
INSERT INTO findings (code, kind, sourced_id, detail, position)
SELECT
    'value.unreadable' AS code,
    getvariable('kind') AS kind,
    sourced_id,
    unreadable AS detail,
    position
FROM accepted
WHERE unreadable <> ''
UNION ALL
SELECT
    'value.wrong_case' AS code,
    getvariable('kind') AS kind,
    NULL AS sourced_id,
    count(*)::VARCHAR AS detail,
    NULL AS position
FROM accepted
WHERE wrong_case
HAVING count(*) > 0
UNION ALL
SELECT
    'value.blanks_around' AS code,
    getvariable('kind') AS kind,
    NULL AS sourced_id,
    count(*)::VARCHAR AS detail,
    NULL AS position
FROM accepted
WHERE blanks_around
HAVING count(*) > 0

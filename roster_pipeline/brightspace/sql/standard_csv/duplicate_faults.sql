-- Rows that share what must be unique. The hashes, far smaller than the text, find the few candidates first.
WITH repeated AS (
    SELECT hash({columns}) AS hash
    FROM {relation}
    WHERE {condition}
    GROUP BY ALL
    HAVING count(*) > 1
),
candidates AS (
    SELECT {key} AS key, row({columns}) AS same
    FROM {relation}
    WHERE {condition} AND hash({columns}) IN (SELECT hash FROM repeated)
)
SELECT DISTINCT '{entity}' AS entity, key, 'duplicate' AS fault, '{field}' AS field, NULL::VARCHAR AS value
FROM candidates
WHERE same IN (SELECT same FROM candidates GROUP BY same HAVING count(*) > 1)

-- Rows whose sourced_id another row of the feed has too: the newest stays, the last one where dates tie.
INSERT INTO findings (code, kind, sourced_id, position)
WITH repeated AS (
    -- By their hashes, which are much cheaper to group; rows that only share the hash fall out below.
    SELECT hash(sourced_id) AS id_hash
    FROM accepted
    GROUP BY id_hash
    HAVING count(*) > 1
),

contents AS (
    SELECT
        sourced_id,
        position,
        date_last_modified,
        row(*COLUMNS(* EXCLUDE (position))) AS content
    FROM accepted
    WHERE hash(sourced_id) IN (FROM repeated)
),

ranked AS (
    SELECT
        *,
        row_number() OVER newest AS place,
        first_value(content) OVER newest AS kept_content
    FROM contents
    WINDOW newest AS (PARTITION BY sourced_id ORDER BY date_last_modified DESC NULLS LAST, position DESC)
)

SELECT
    CASE WHEN content = kept_content THEN 'row.duplicate' ELSE 'row.duplicate_differs' END AS code,
    getvariable('kind') AS kind,
    sourced_id,
    position
FROM ranked
WHERE place > 1

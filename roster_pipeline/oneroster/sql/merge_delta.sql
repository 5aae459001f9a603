-- A delta over the last whole state. Its rows replace those of the same sourcedId; rows that it does not name stay.
-- A row `tobedeleted` stays as such, so that the removal is told and not guessed from absence.
COPY (
    WITH
        previous AS (SELECT * FROM read_parquet('$previous')),
        delta AS (SELECT * FROM read_parquet('$delta')),
        last_position AS (SELECT coalesce(max(position), 0) AS value FROM previous)
    SELECT previous.*
    FROM previous
    WHERE NOT EXISTS (SELECT 1 FROM delta WHERE trim(delta.sourcedId) = trim(previous.sourcedId))
    UNION ALL
    SELECT delta.* REPLACE (delta.position + last_position.value AS position)
    FROM delta, last_position
) TO '$target' (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)

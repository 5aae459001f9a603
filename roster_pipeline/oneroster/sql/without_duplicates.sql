-- The newest of the rows that share a sourcedId, else the last that came. Rows without an id all stay.
COPY (
    SELECT *
    FROM read_parquet('$source')
    QUALIFY sourcedId IS NULL
        OR row_number() OVER (PARTITION BY sourcedId ORDER BY dateLastModified DESC NULLS LAST, position DESC) = 1
    ORDER BY position
) TO '$target' (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)

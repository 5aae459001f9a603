-- One CSV file into one raw Parquet file, in the order of its rows.
-- Rows that do not fit the header are set aside in $rejects, each with its line.
COPY (
    SELECT
        $columns,
        $metadata AS metadata,
        row_number() OVER () AS position
    FROM read_csv(
        '$source',
        columns = {$cells},
        auto_detect = false,
        header = false,
        delim = ',',
        quote = '"',
        escape = '"',
        new_line = '\n',
        strict_mode = true,
        store_rejects = true,
        rejects_table = '$rejects',
        rejects_scan = '${rejects}_scans',
        rejects_limit = $rejects_limit
    )
) TO '$target' (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)

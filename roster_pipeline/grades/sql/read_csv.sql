-- One CSV file of a gradebook into Parquet; rows that do not fit the header are set aside with their line.
COPY (
    SELECT $columns
    FROM read_csv(
        $source,
        columns = $cells,
        auto_detect = false,
        header = true,
        delim = ',',
        quote = '"',
        escape = '"',
        strict_mode = $strict,
        store_rejects = true,
        rejects_table = 'rejects_$file',
        rejects_scan = 'rejects_${file}_scan',
        rejects_limit = $limit
    )
) TO $target (FORMAT parquet, COMPRESSION zstd)

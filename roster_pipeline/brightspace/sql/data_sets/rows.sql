-- The rows of one extract, in our names and types. Whatever is no value of its type is NULL.
SELECT
    {columns},
    {place} AS extract_place
FROM read_csv(
    {path},
    auto_detect = false,
    header = true,
    delim = ',',
    quote = '"',
    escape = '"',
    nullstr = '',
    columns = {header}
)

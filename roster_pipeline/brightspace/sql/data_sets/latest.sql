-- The state after a full extract and the differentials since: of the rows with one key, the highest version counts,
-- else the newest change, else what the later extract says.
CREATE OR REPLACE TABLE {table} AS
SELECT * EXCLUDE (extract_place)
FROM ({rows})
WHERE {key_is_whole}
QUALIFY
    row_number() OVER (PARTITION BY {key} ORDER BY {order_by} extract_place DESC) = 1

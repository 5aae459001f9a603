-- The rows behind the faults that were just found in the bundle's lines.
INSERT INTO refused
WITH counted AS (
    SELECT entity, key, min(fault) AS fault, min(field) AS field
    FROM standard_csv_faults
    -- A learner's line that names a guardian with a fault is well again when the guardian is left out.
    WHERE fault <> 'bad_relationships' OR NOT EXISTS (FROM standard_csv_faults WHERE fault <> 'bad_relationships')
    GROUP BY entity, key
)

SELECT line.kind, line.sourced_id, counted.fault, counted.field
FROM org_units AS line
INNER JOIN counted ON counted.entity = 'org_unit' AND counted.key IS NOT DISTINCT FROM line.code
UNION ALL
SELECT 'user' AS kind, line.sourced_id, counted.fault, counted.field
FROM users AS line
INNER JOIN counted ON counted.entity = 'user' AND counted.key IS NOT DISTINCT FROM line.org_defined_id
UNION ALL
SELECT 'enrollment' AS kind, line.sourced_id, counted.fault, counted.field
FROM enrollments AS line
INNER JOIN counted
    ON
        counted.entity = 'enrollment'
        -- As the faults name a line of this file.
        AND counted.key IS NOT DISTINCT FROM concat_ws('|', line.child_code, line.parent_code)

-- The ten largest groups of the delta, by what, where and why; what is only new comes last.
SELECT entity, place, action, reason, rows
FROM (
    SELECT
        guarded_rows.entity,
        coalesce(
            school_of_unit.school, CASE WHEN guarded_rows.entity = 'org_units' THEN guarded_rows.kind END
        ) AS place,
        guarded_rows.action,
        guarded_rows.reason,
        count(*) AS rows
    FROM guarded_rows
    LEFT JOIN school_of_unit USING (org_unit_key)
    GROUP BY ALL
)
ORDER BY CASE WHEN action = 'create' THEN 1 ELSE 0 END, rows DESC, entity, place, action, reason
LIMIT 10

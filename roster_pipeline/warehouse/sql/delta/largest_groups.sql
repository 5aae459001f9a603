-- The ten largest groups of the delta, by what, where and why; what is only new comes last.
SELECT entity, place, action, reason, rows
FROM (
    SELECT
        delta_groups.entity,
        coalesce(
            school_of_unit.school, CASE WHEN delta_groups.entity = 'org_units' THEN delta_groups.kind END
        ) AS place,
        delta_groups.action,
        delta_groups.reason,
        sum(delta_groups.rows) AS rows
    FROM delta_groups
    LEFT JOIN school_of_unit USING (org_unit_key)
    GROUP BY ALL
)
ORDER BY CASE WHEN action = 'create' THEN 1 ELSE 0 END, rows DESC, entity, place, action, reason
LIMIT 10

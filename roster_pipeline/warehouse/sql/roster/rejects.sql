SELECT
    reject.kind,
    reject.sourced_id,
    enrollment.user_sourced_id,
    enrollment.class_sourced_id,
    reject.position,
    reject.codes
FROM (
    SELECT
        kind,
        any_value(sourced_id) AS sourced_id,
        position,
        list(code ORDER BY code) AS codes
    FROM findings
    INNER JOIN issue_codes USING (code)
    WHERE severity = 'error' AND position IS NOT NULL
    GROUP BY kind, position
) AS reject
-- Both conditions as equalities: with one on the left side alone DuckDB would compare every row with every other.
LEFT JOIN (SELECT 'enrollment' AS kind, * FROM dropped_enrollments) AS enrollment
    ON reject.kind = enrollment.kind AND reject.position = enrollment.position

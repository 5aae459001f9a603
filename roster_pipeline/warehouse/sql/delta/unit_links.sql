-- New org units that Brightspace may hold already, and what became of the search for each: a link, or why there is none.
-- A code is trusted only where it is unique on both sides.
WITH mapped AS (
    SELECT kind || ':' || sourced_id AS org_unit_key, code, brightspace_id
    FROM sync.mappings
    WHERE source_id = getvariable('source_id') AND kind NOT IN ('user', 'relationship', 'enrollment')
),

candidates AS (
    SELECT
        *,
        kind IN ('course_template', 'course_offering', 'section') AS is_course
    FROM unit_candidates
    WHERE may_link
),

there AS (
    SELECT
        *,
        -- In the Standard CSV a code stands for one org unit, whatever its type.
        CASE
            WHEN getvariable('standard_csv') THEN count(*) OVER (PARTITION BY code)
            ELSE count(*) OVER (PARTITION BY type, code)
        END AS times,
        coalesce(code IN (SELECT code FROM mapped), false)
        OR coalesce(brightspace_id IN (SELECT brightspace_id FROM mapped), false) AS is_managed
    FROM existing_org_units
),

matched AS (
    SELECT
        candidates.org_unit_key,
        max(there.times) AS times_in_brightspace,
        bool_or(there.is_managed) AS is_managed,
        any_value(there.brightspace_id) AS brightspace_id,
        any_value(there.name) AS name,
        any_value(there.is_active) AS is_active
    FROM candidates
    INNER JOIN there ON candidates.type = there.type AND candidates.code = there.code
    GROUP BY candidates.org_unit_key
),

-- Only upper org units: there are few of them, and their names are not made by a pattern.
near AS (
    SELECT
        candidates.org_unit_key,
        string_agg(there.code, ', ' ORDER BY there.code) AS codes
    FROM candidates
    INNER JOIN there
        ON
            candidates.type = there.type
            AND NOT there.is_managed
            AND jaro_winkler_similarity(lower(candidates.name), lower(there.name)) >= 0.9
    WHERE NOT candidates.is_course
    GROUP BY candidates.org_unit_key
)

SELECT
    candidates.org_unit_key,
    candidates.kind,
    candidates.sourced_id,
    candidates.code,
    matched.brightspace_id,
    matched.name,
    matched.is_active,
    near.codes AS near_codes,
    CASE
        WHEN matched.org_unit_key IS NULL AND near.org_unit_key IS NOT NULL THEN 'near'
        WHEN matched.org_unit_key IS NULL THEN 'none'
        WHEN candidates.times_in_sis > 1 OR matched.times_in_brightspace > 1 THEN 'ambiguous'
        WHEN matched.is_managed THEN 'managed'
        ELSE 'linked'
    END AS verdict
FROM candidates
LEFT JOIN matched ON candidates.org_unit_key = matched.org_unit_key
LEFT JOIN near ON candidates.org_unit_key = near.org_unit_key

-- What became of managed org units.
WITH fields AS (
    SELECT
        org_unit_key,
        unnest([
            {
                'field': 'name',
                'expected': name,
                'found': found_name,
                'differs': clean_name(name) IS DISTINCT FROM found_name
            },
            {'field': 'code', 'expected': code, 'found': found_code, 'differs': clean(code) IS DISTINCT FROM found_code},
            {
                'field': 'is_active',
                'expected': fields ->> 'is_active',
                'found': found_active::VARCHAR,
                'differs': kind = 'course_offering'
                    AND (dates_known OR getvariable('way') = 'files')
                    AND (fields ->> 'is_active')::BOOLEAN <> found_active
            },
            {
                'field': 'start_date',
                'expected': fields ->> 'start_date',
                'found': found_start::DATE::VARCHAR,
                'differs': has_dates AND NOT is_day((fields ->> 'start_date')::DATE, found_start)
            },
            {
                'field': 'end_date',
                'expected': fields ->> 'end_date',
                'found': found_end::DATE::VARCHAR,
                'differs': has_dates AND NOT is_day((fields ->> 'end_date')::DATE, found_end)
            }
        ], recursive := true)
    FROM (
        SELECT
            *,
            -- The API sets dates of offerings only, the Standard CSV those of semesters too.
            dates_known
            AND (kind = 'course_offering' OR (type = 'semester' AND getvariable('standard_csv'))) AS has_dates
        FROM found_units
        WHERE found_id IS NOT NULL
    )
),

codes AS (
    SELECT
        unit.org_unit_key,
        count(*) AS others
    FROM found_units AS unit
    INNER JOIN existing_org_units AS other ON unit.code = other.code
    WHERE
        (unit.found_id IS NOT NULL OR unit.is_ambiguous)
        AND other.brightspace_id IS DISTINCT FROM unit.found_id
        -- In the Standard CSV a code stands for one org unit, whatever its type.
        AND (getvariable('standard_csv') OR unit.type = other.type)
        AND other.brightspace_id NOT IN (SELECT found_id FROM found_units WHERE found_id IS NOT NULL)
    GROUP BY unit.org_unit_key
),

findings AS (
    SELECT org_unit_key, 'missing' AS finding, NULL AS field, NULL AS expected, NULL AS found
    FROM found_units
    WHERE found_id IS NULL AND NOT is_ambiguous AND getvariable('tells_org_units_whole')
    UNION ALL
    SELECT org_unit_key, 'changed' AS finding, field, expected, found
    FROM fields
    WHERE differs
    UNION ALL
    SELECT org_unit_key, 'changed' AS finding, 'parents' AS field, expected, found
    FROM misplaced_units
    UNION ALL
    SELECT
        codes.org_unit_key,
        'duplicate_code' AS finding,
        'code' AS field,
        '1' AS expected,
        (codes.others + CASE WHEN unit.is_ambiguous THEN 0 ELSE 1 END)::VARCHAR AS found
    FROM codes
    INNER JOIN found_units AS unit ON codes.org_unit_key = unit.org_unit_key
)

SELECT
    unit.kind,
    unit.sourced_id,
    unit.org_unit_key,
    coalesce(unit.found_id, unit.brightspace_id) AS brightspace_id,
    unit.name,
    findings.finding,
    findings.field,
    findings.expected,
    findings.found,
    next_night(findings.finding, unit.kind, findings.field, unit.is_desired) AS next_night
FROM findings
INNER JOIN found_units AS unit ON findings.org_unit_key = unit.org_unit_key
WHERE unit.is_seen

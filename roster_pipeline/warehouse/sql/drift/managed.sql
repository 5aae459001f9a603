-- What is managed of the source. In scope is what belongs to the session's school year: what its latest hierarchy asks
-- for, and what was last delivered for it and is no longer asked for.
CREATE OR REPLACE TEMP TABLE managed_units AS
WITH desired AS (
    SELECT org_unit_key
    FROM brightspace.org_units
    WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year')
),

mapped AS (
    SELECT *, kind || ':' || sourced_id AS org_unit_key
    FROM sync.mappings
    WHERE source_id = getvariable('source_id') AND kind NOT IN ('user', 'relationship', 'enrollment')
)

SELECT
    mapped.org_unit_key,
    mapped.kind,
    mapped.sourced_id,
    mapped.brightspace_id,
    mapped.fields,
    lower(mapped.fields ->> 'org_unit_type') AS type,
    mapped.fields ->> 'name' AS name,
    CASE WHEN getvariable('unique_codes') THEN mapped.fields ->> 'delivery_code' ELSE mapped.fields ->> 'code' END
        AS code,
    mapped.last_delivered_at,
    desired.org_unit_key IS NOT NULL AS is_desired,
    desired.org_unit_key IS NOT NULL OR mapped.school_year = getvariable('school_year') AS in_scope
FROM mapped
LEFT JOIN desired ON mapped.org_unit_key = desired.org_unit_key;

CREATE OR REPLACE TEMP TABLE managed_users AS
WITH desired AS (
    SELECT sourced_id
    FROM brightspace.users
    WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year')
)

SELECT
    mapping.sourced_id,
    mapping.brightspace_id,
    mapping.fields,
    mapping.fields ->> 'org_defined_id' AS org_defined_id,
    lower(mapping.fields ->> 'username') AS username,
    mapping.last_delivered_at,
    desired.sourced_id IS NOT NULL AS is_desired,
    desired.sourced_id IS NOT NULL OR mapping.school_year = getvariable('school_year') AS in_scope
FROM sync.mappings AS mapping
LEFT JOIN desired ON mapping.sourced_id = desired.sourced_id
WHERE mapping.source_id = getvariable('source_id') AND mapping.kind = 'user';

CREATE OR REPLACE TEMP TABLE managed_enrollments AS
WITH desired AS (
    SELECT pair_key(user_sourced_id, org_unit_key) AS sourced_id
    FROM brightspace.enrollments
    WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year')
),

mapped AS (
    SELECT
        sourced_id,
        fields ->> 'user_sourced_id' AS user_sourced_id,
        fields ->> 'org_unit_key' AS org_unit_key,
        fields ->> 'role' AS "role",
        last_delivered_at
    FROM sync.mappings
    WHERE source_id = getvariable('source_id') AND kind = 'enrollment'
)

SELECT
    mapped.*,
    desired.sourced_id IS NOT NULL AS is_desired
FROM mapped
SEMI JOIN managed_units AS unit ON mapped.org_unit_key = unit.org_unit_key AND unit.in_scope
LEFT JOIN desired ON mapped.sourced_id = desired.sourced_id

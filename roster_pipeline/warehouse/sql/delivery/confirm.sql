-- A confirmed delivery: what was delivered becomes what is managed, and every change is written to the audit log.
-- A view: a copy of a first night's JSON would be the largest table of all.
CREATE OR REPLACE TEMP VIEW confirmed AS
SELECT
    kind,
    sourced_id,
    org_unit_key,
    after ->> 'delivery_code' AS code,
    action,
    before,
    after
FROM due_org_units
UNION ALL
SELECT
    'user' AS kind,
    sourced_id,
    NULL AS org_unit_key,
    after ->> 'org_defined_id' AS code,
    action,
    before,
    after
FROM due_users
UNION ALL
SELECT
    'relationship' AS kind,
    pair_key(student_sourced_id, guardian_sourced_id) AS sourced_id,
    NULL AS org_unit_key,
    NULL AS code,
    action,
    before,
    after
FROM due_relationships
UNION ALL
SELECT
    'enrollment' AS kind,
    pair_key(user_sourced_id, org_unit_key) AS sourced_id,
    org_unit_key,
    NULL AS code,
    action,
    before,
    after
FROM due_enrollments;

INSERT INTO sync.audit_log (
    source_id, school_year, run_id, "at", route, kind, sourced_id, name, action, before, after, outcome
)
WITH unit_names AS (
    -- As delivered, not as a newer extract may have them by now.
    SELECT org_unit_key, coalesce(after, before) ->> 'name' AS name
    FROM due_org_units
    UNION ALL
    SELECT kind || ':' || sourced_id AS org_unit_key, fields ->> 'name' AS name
    FROM sync.mappings
    WHERE
        source_id = getvariable('source_id')
        AND kind NOT IN ('user', 'relationship', 'enrollment')
        AND kind || ':' || sourced_id NOT IN (SELECT org_unit_key FROM due_org_units)
)

SELECT
    getvariable('source_id'),
    getvariable('school_year'),
    getvariable('run_id'),
    getvariable('confirmed_at'),
    getvariable('route'),
    confirmed.kind,
    confirmed.sourced_id,
    unit_names.name,
    confirmed.action,
    confirmed.before,
    confirmed.after,
    'delivered'
FROM confirmed
LEFT JOIN unit_names ON confirmed.org_unit_key = unit_names.org_unit_key;

CREATE OR REPLACE TEMP TABLE previous AS
SELECT mapping.kind, mapping.sourced_id, mapping.brightspace_id, mapping.first_delivered_at
FROM sync.mappings AS mapping
SEMI JOIN confirmed ON mapping.kind = confirmed.kind AND mapping.sourced_id = confirmed.sourced_id
WHERE mapping.source_id = getvariable('source_id');

DELETE FROM sync.mappings AS mapping
USING previous
WHERE
    mapping.source_id = getvariable('source_id')
    AND mapping.kind = previous.kind
    AND mapping.sourced_id = previous.sourced_id;

INSERT INTO sync.mappings (
    source_id, kind, sourced_id, brightspace_id, code, fields, school_year, first_delivered_at, last_delivered_at
)
SELECT
    getvariable('source_id'),
    confirmed.kind,
    confirmed.sourced_id,
    -- A unit that was gone for good and is made anew has another id than before.
    coalesce((confirmed.after ->> 'brightspace_id')::BIGINT, previous.brightspace_id),
    confirmed.code,
    confirmed.after,
    getvariable('school_year'),
    coalesce(previous.first_delivered_at, getvariable('confirmed_at')),
    getvariable('confirmed_at')
FROM confirmed
LEFT JOIN previous ON confirmed.kind = previous.kind AND confirmed.sourced_id = previous.sourced_id
WHERE confirmed.action IN ('create', 'update') OR (confirmed.kind = 'user' AND confirmed.action = 'inactivate');

-- A new offering is there now; what it shall hold is asked for once.
INSERT INTO sync.content_copies (
    source_id, school_year, run_id, org_unit_key, source_code, source_brightspace_id, state, requested_at
)
SELECT
    copy.source_id,
    copy.school_year,
    getvariable('run_id'),
    copy.org_unit_key,
    copy.source_code,
    copy.source_brightspace_id,
    'waiting',
    getvariable('confirmed_at')
FROM delta.content_copies AS copy
INNER JOIN due_org_units AS unit ON copy.org_unit_key = unit.org_unit_key AND unit.action = 'create'
WHERE copy.source_id = getvariable('source_id') AND copy.school_year = getvariable('school_year')

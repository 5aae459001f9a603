-- A confirmed delivery: what was delivered becomes what is managed, and every change is written to the audit log.
CREATE OR REPLACE TEMP TABLE confirmed AS
SELECT
    kind,
    sourced_id,
    after ->> 'delivery_code' AS code,
    after ->> 'name' AS name,
    action,
    before,
    after
FROM delta.org_units
WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year')
UNION ALL
SELECT
    'user' AS kind,
    sourced_id,
    after ->> 'org_defined_id' AS code,
    NULL AS name,
    action,
    before,
    after
FROM delta.users
WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year')
UNION ALL
SELECT
    'relationship' AS kind,
    pair_key(student_sourced_id, guardian_sourced_id) AS sourced_id,
    NULL AS code,
    NULL AS name,
    action,
    before,
    after
FROM delta.relationships
WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year')
UNION ALL
SELECT
    'enrollment' AS kind,
    pair_key(enrollment.user_sourced_id, enrollment.org_unit_key) AS sourced_id,
    NULL AS code,
    unit.name,
    enrollment.action,
    enrollment.before,
    enrollment.after
FROM delta.enrollments AS enrollment
LEFT JOIN brightspace.org_units AS unit
    ON
        enrollment.source_id = unit.source_id
        AND enrollment.school_year = unit.school_year
        AND enrollment.org_unit_key = unit.org_unit_key
WHERE enrollment.source_id = getvariable('source_id') AND enrollment.school_year = getvariable('school_year');

INSERT INTO sync.audit_log (
    source_id, school_year, run_id, "at", route, kind, sourced_id, name, action, before, after, outcome
)
SELECT
    getvariable('source_id'),
    getvariable('school_year'),
    getvariable('run_id'),
    getvariable('confirmed_at'),
    getvariable('route'),
    kind,
    sourced_id,
    coalesce(name, before ->> 'name'),
    action,
    before,
    after,
    'delivered'
FROM confirmed;

CREATE OR REPLACE TEMP TABLE previous AS
SELECT mapping.*
FROM sync.mappings AS mapping
INNER JOIN confirmed ON mapping.kind = confirmed.kind AND mapping.sourced_id = confirmed.sourced_id
WHERE mapping.source_id = getvariable('source_id');

DELETE FROM sync.mappings AS mapping
USING confirmed
WHERE
    mapping.source_id = getvariable('source_id')
    AND mapping.kind = confirmed.kind
    AND mapping.sourced_id = confirmed.sourced_id;

INSERT INTO sync.mappings (
    source_id, kind, sourced_id, brightspace_id, code, fields, school_year, first_delivered_at, last_delivered_at
)
SELECT
    getvariable('source_id'),
    confirmed.kind,
    confirmed.sourced_id,
    previous.brightspace_id,
    confirmed.code,
    confirmed.after,
    getvariable('school_year'),
    coalesce(previous.first_delivered_at, getvariable('confirmed_at')),
    getvariable('confirmed_at')
FROM confirmed
LEFT JOIN previous ON confirmed.kind = previous.kind AND confirmed.sourced_id = previous.sourced_id
WHERE confirmed.action IN ('create', 'update') OR (confirmed.kind = 'user' AND confirmed.action = 'inactivate')

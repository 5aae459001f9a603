-- The rows of the delta that a batch of answers confirms, with the ids that Brightspace gave.
DROP VIEW IF EXISTS due_org_units;
DROP VIEW IF EXISTS due_users;
DROP VIEW IF EXISTS due_relationships;
DROP VIEW IF EXISTS due_enrollments;

CREATE OR REPLACE TEMP TABLE due_org_units AS
SELECT
    unit.* REPLACE (
        CASE
            WHEN item.brightspace_id IS NULL OR unit.after IS NULL THEN unit.after
            ELSE json_merge_patch(unit.after, json_object('brightspace_id', item.brightspace_id))
        END AS after
    )
FROM delta.org_units AS unit
INNER JOIN answered AS item ON unit.kind = item.kind AND unit.sourced_id = item.sourced_id
WHERE
    unit.source_id = getvariable('source_id')
    AND unit.school_year = getvariable('school_year')
    AND item.outcome = 'delivered';

CREATE OR REPLACE TEMP TABLE due_users AS
SELECT
    person.* REPLACE (
        CASE
            WHEN item.brightspace_id IS NULL OR person.after IS NULL THEN person.after
            ELSE json_merge_patch(person.after, json_object('brightspace_id', item.brightspace_id))
        END AS after
    )
FROM delta.users AS person
INNER JOIN answered AS item ON item.kind = 'user' AND person.sourced_id = item.sourced_id
WHERE
    person.source_id = getvariable('source_id')
    AND person.school_year = getvariable('school_year')
    AND item.outcome = 'delivered';

CREATE OR REPLACE TEMP TABLE due_relationships AS
SELECT link.*
FROM delta.relationships AS link
INNER JOIN answered AS item
    ON
        item.kind = 'relationship'
        AND pair_key(link.student_sourced_id, link.guardian_sourced_id) = item.sourced_id
WHERE
    link.source_id = getvariable('source_id')
    AND link.school_year = getvariable('school_year')
    AND item.outcome = 'delivered';

CREATE OR REPLACE TEMP TABLE due_enrollments AS
SELECT enrollment.*
FROM delta.enrollments AS enrollment
INNER JOIN answered AS item
    ON
        item.kind = 'enrollment'
        AND pair_key(enrollment.user_sourced_id, enrollment.org_unit_key) = item.sourced_id
WHERE
    enrollment.source_id = getvariable('source_id')
    AND enrollment.school_year = getvariable('school_year')
    AND item.outcome = 'delivered'

-- What a delivery is about: the delta without the rows that are refused.
CREATE OR REPLACE TEMP VIEW due_org_units AS
SELECT unit.*
FROM delta.org_units AS unit
ANTI JOIN refused ON unit.kind = refused.kind AND unit.sourced_id = refused.sourced_id
WHERE unit.source_id = getvariable('source_id') AND unit.school_year = getvariable('school_year');

CREATE OR REPLACE TEMP VIEW due_users AS
SELECT person.*
FROM delta.users AS person
ANTI JOIN refused ON refused.kind = 'user' AND person.sourced_id = refused.sourced_id
WHERE person.source_id = getvariable('source_id') AND person.school_year = getvariable('school_year');

CREATE OR REPLACE TEMP VIEW due_relationships AS
SELECT link.*
FROM delta.relationships AS link
ANTI JOIN refused
    ON
        refused.kind = 'relationship'
        AND pair_key(link.student_sourced_id, link.guardian_sourced_id) = refused.sourced_id
WHERE link.source_id = getvariable('source_id') AND link.school_year = getvariable('school_year');

CREATE OR REPLACE TEMP VIEW due_enrollments AS
SELECT enrollment.*
FROM delta.enrollments AS enrollment
ANTI JOIN refused
    ON
        refused.kind = 'enrollment'
        AND pair_key(enrollment.user_sourced_id, enrollment.org_unit_key) = refused.sourced_id
WHERE enrollment.source_id = getvariable('source_id') AND enrollment.school_year = getvariable('school_year')

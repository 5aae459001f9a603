-- The managed objects beside what Brightspace holds: by id where the route of delivery told it, else by what the
-- Standard CSV identifies them by, an org unit's code and a user's org-defined id.
CREATE OR REPLACE TEMP TABLE found_units AS
WITH by_code AS (
    SELECT type, code, count(*) AS times, any_value(brightspace_id) AS brightspace_id
    FROM existing_org_units
    WHERE code IS NOT NULL
    GROUP BY type, code
),

resolved AS (
    SELECT
        unit.*,
        coalesce(unit.brightspace_id, CASE WHEN by_code.times = 1 THEN by_code.brightspace_id END) AS wanted_id,
        -- Which of several it is cannot be told.
        unit.brightspace_id IS NULL AND coalesce(by_code.times > 1, false) AS is_ambiguous
    FROM managed_units AS unit
    LEFT JOIN by_code ON unit.type = by_code.type AND unit.code = by_code.code
)

SELECT
    resolved.* EXCLUDE (wanted_id),
    there.brightspace_id AS found_id,
    there.code AS found_code,
    there.name AS found_name,
    there.is_active AS found_active,
    there.dates_known,
    there.start_date AS found_start,
    there.end_date AS found_end,
    -- In scope, and not delivered after the newest extract of a data set, which cannot hold it yet.
    resolved.in_scope AND resolved.last_delivered_at <= getvariable('org_units_as_of') AS is_seen
FROM resolved
LEFT JOIN existing_org_units AS there ON resolved.wanted_id = there.brightspace_id;

CREATE OR REPLACE TEMP TABLE found_users AS
WITH by_id AS (
    SELECT org_defined_id, count(*) AS times, any_value(brightspace_id) AS brightspace_id
    FROM existing_users
    WHERE org_defined_id IS NOT NULL
    GROUP BY org_defined_id
),

by_name AS (
    SELECT lower(username) AS username, any_value(brightspace_id) AS brightspace_id
    FROM existing_users
    GROUP BY lower(username)
),

resolved AS (
    SELECT
        person.*,
        coalesce(
            person.brightspace_id,
            CASE WHEN by_id.times = 1 THEN by_id.brightspace_id END,
            CASE WHEN by_id.times IS NULL THEN by_name.brightspace_id END
        ) AS wanted_id,
        person.brightspace_id IS NULL AND coalesce(by_id.times > 1, false) AS is_ambiguous
    FROM managed_users AS person
    LEFT JOIN by_id ON person.org_defined_id = by_id.org_defined_id
    LEFT JOIN by_name ON person.username = by_name.username
)

SELECT
    resolved.* EXCLUDE (wanted_id),
    there.brightspace_id AS found_id,
    there.username AS found_username,
    there.org_defined_id AS found_org_defined_id,
    there.first_name AS found_first_name,
    there.last_name AS found_last_name,
    there.email AS found_email,
    there."role" AS found_role,
    there.is_active AS found_active,
    resolved.in_scope AND resolved.last_delivered_at <= getvariable('users_as_of') AS is_seen
FROM resolved
LEFT JOIN existing_users AS there ON resolved.wanted_id = there.brightspace_id;

-- Brightspace's name of a role that the settings name by its name or its code.
CREATE OR REPLACE TEMP TABLE role_names AS
SELECT text, min(name) AS name
FROM (
    SELECT lower(name) AS text, name
    FROM existing_roles
    UNION ALL
    SELECT lower(code) AS text, name
    FROM existing_roles
    WHERE lower(code) NOT IN (SELECT lower(name) FROM existing_roles)
)
GROUP BY text

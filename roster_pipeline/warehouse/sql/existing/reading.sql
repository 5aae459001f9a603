-- A reading of the tenant, in the words that the files with what Brightspace holds use too.
INSERT INTO existing_roles
SELECT name, code
FROM read_parquet(getvariable('reading') || '/roles.parquet');

INSERT INTO existing_users BY NAME
SELECT
    person.user_id AS brightspace_id,
    clean(person.username) AS username,
    clean(person.org_defined_id) AS org_defined_id,
    clean(person.first_name) AS first_name,
    clean(person.last_name) AS last_name,
    clean(person.email) AS email,
    role.name AS "role",
    coalesce(person.is_active, true) AS is_active
FROM read_parquet(getvariable('reading') || '/users.parquet') AS person
LEFT JOIN read_parquet(getvariable('reading') || '/user_roles.parquet') AS given ON person.user_id = given.user_id
LEFT JOIN read_parquet(getvariable('reading') || '/roles.parquet') AS role ON given.role_id = role.role_id;

INSERT INTO existing_org_unit_parents BY NAME
SELECT org_unit_id AS brightspace_id, parent_id
FROM read_parquet(getvariable('reading') || '/org_unit_parents.parquet');

INSERT INTO existing_org_units BY NAME
WITH parents AS (
    SELECT
        link.brightspace_id,
        list(clean(parent.code) ORDER BY parent.code) FILTER (clean(parent.code) IS NOT NULL) AS codes,
        min(clean(parent.code)) FILTER (lower(parent.type) = 'course template') AS template_code
    FROM existing_org_unit_parents AS link
    INNER JOIN read_parquet(getvariable('reading') || '/org_units.parquet') AS parent
        ON link.parent_id = parent.org_unit_id
    GROUP BY link.brightspace_id
)

SELECT
    unit.org_unit_id AS brightspace_id,
    lower(clean(unit.type)) AS type,
    clean(unit.code) AS code,
    clean_name(unit.name) AS name,
    coalesce(parents.codes, []) AS parent_codes,
    parents.template_code,
    coalesce(course.is_active, true) AS is_active,
    course.org_unit_id IS NOT NULL AS dates_known,
    course.start_date,
    course.end_date
FROM read_parquet(getvariable('reading') || '/org_units.parquet') AS unit
LEFT JOIN read_parquet(getvariable('reading') || '/courses.parquet') AS course ON unit.org_unit_id = course.org_unit_id
LEFT JOIN parents ON unit.org_unit_id = parents.brightspace_id;

INSERT INTO existing_enrollments BY NAME
SELECT
    enrollment.user_id,
    enrollment.org_unit_id,
    role.name AS "role",
    coalesce(enrollment.is_inherited, false) AS is_inherited
FROM read_parquet(getvariable('reading') || '/enrollments.parquet') AS enrollment
LEFT JOIN read_parquet(getvariable('reading') || '/roles.parquet') AS role ON enrollment.role_id = role.role_id

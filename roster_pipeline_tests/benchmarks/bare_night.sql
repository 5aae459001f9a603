-- The same night in bare DuckDB, for one district in the shape that the benchmark makes: the same reads, joins and
-- comparison in as few statements as they need. No settings, no reasons, no issues told, no other year, no history.
COPY (FROM read_csv('{feed}/orgs.csv', all_varchar = true, quote = '"')) TO '{work}/orgs.parquet' (COMPRESSION zstd);
COPY (FROM read_csv('{feed}/academicSessions.csv', all_varchar = true, quote = '"')) TO '{work}/sessions.parquet' (COMPRESSION zstd);
COPY (FROM read_csv('{feed}/courses.csv', all_varchar = true, quote = '"')) TO '{work}/courses.parquet' (COMPRESSION zstd);
COPY (FROM read_csv('{feed}/classes.csv', all_varchar = true, quote = '"')) TO '{work}/classes.parquet' (COMPRESSION zstd);
COPY (FROM read_csv('{feed}/users.csv', all_varchar = true, quote = '"')) TO '{work}/users.parquet' (COMPRESSION zstd);
COPY (FROM read_csv('{feed}/enrollments.csv', all_varchar = true, quote = '"')) TO '{work}/enrollments.parquet' (COMPRESSION zstd);

-- Typed, once for each identity.
CREATE OR REPLACE TABLE typed_classes AS
SELECT DISTINCT ON ("sourcedId")
    * REPLACE (string_split("termSourcedIds", ',') AS "termSourcedIds")
FROM '{work}/classes.parquet';

CREATE OR REPLACE TABLE typed_users AS
SELECT DISTINCT ON ("sourcedId")
    * REPLACE (
        "enabledUser"::BOOLEAN AS "enabledUser",
        string_split("orgSourcedIds", ',') AS "orgSourcedIds",
        string_split("agentSourcedIds", ',') AS "agentSourcedIds"
    )
FROM '{work}/users.parquet';

CREATE OR REPLACE TABLE typed_enrollments AS
SELECT DISTINCT ON ("sourcedId")
    * REPLACE ("primary"::BOOLEAN AS "primary", "beginDate"::DATE AS "beginDate", "endDate"::DATE AS "endDate")
FROM '{work}/enrollments.parquet';

-- Rows that refer to what is not there.
CREATE OR REPLACE TABLE orphans AS
SELECT 'enrollment' AS kind, "sourcedId"
FROM typed_enrollments
ANTI JOIN typed_users AS person ON typed_enrollments."userSourcedId" = person."sourcedId"
UNION ALL
SELECT 'enrollment' AS kind, "sourcedId"
FROM typed_enrollments
ANTI JOIN typed_classes AS class ON typed_enrollments."classSourcedId" = class."sourcedId"
UNION ALL
SELECT 'user' AS kind, "sourcedId"
FROM (SELECT "sourcedId", unnest("orgSourcedIds") AS org FROM typed_users) AS listed
ANTI JOIN '{work}/orgs.parquet' AS org ON listed.org = org."sourcedId"
UNION ALL
SELECT 'user' AS kind, "sourcedId"
FROM (SELECT "sourcedId", unnest("agentSourcedIds") AS agent FROM typed_users) AS listed
ANTI JOIN typed_users AS person ON listed.agent = person."sourcedId";

CREATE OR REPLACE TABLE year_classes AS
SELECT
    class."sourcedId" AS class,
    class."schoolSourcedId" AS school,
    course."sourcedId" AS template,
    course."title" || '-' || course."courseCode" || '/' || string_split(class."classCode", '/')[-1] AS name,
    string_split(class."classCode", '/')[-1] AS code,
    list_sort(['course_template:' || course."sourcedId", 'school:' || class."schoolSourcedId"] || of_year.terms) AS parents
FROM typed_classes AS class
INNER JOIN '{work}/courses.parquet' AS course ON class."courseSourcedId" = course."sourcedId"
INNER JOIN (
    SELECT listed."sourcedId", list('term:' || session."sourcedId") AS terms
    FROM (SELECT "sourcedId", unnest("termSourcedIds") AS term FROM typed_classes) AS listed
    INNER JOIN '{work}/sessions.parquet' AS session ON listed.term = session."sourcedId"
    WHERE session."schoolYear" = '2027'
    GROUP BY listed."sourcedId"
) AS of_year ON class."sourcedId" = of_year."sourcedId";

CREATE OR REPLACE TABLE new_units AS
SELECT 'course_offering:' || class AS unit_key, name, code, parents FROM year_classes
UNION ALL
SELECT 'section:' || class AS unit_key, name, code, ['course_offering:' || class] AS parents FROM year_classes
UNION ALL
SELECT DISTINCT 'course_template:' || course."sourcedId" AS unit_key, "title" AS name, "courseCode" AS code, [] AS parents
FROM '{work}/courses.parquet' AS course
SEMI JOIN year_classes ON course."sourcedId" = year_classes.template
UNION ALL
SELECT "type" || ':' || "sourcedId" AS unit_key, "name", "identifier" AS code, ["parentSourcedId"] AS parents
FROM '{work}/orgs.parquet'
UNION ALL
SELECT "type" || ':' || "sourcedId" AS unit_key, "title" AS name, "sourcedId" AS code, [] AS parents
FROM '{work}/sessions.parquet'
WHERE "schoolYear" = '2027';

CREATE OR REPLACE TABLE new_users AS
SELECT
    "sourcedId" AS user_id,
    "username" AS username,
    coalesce("identifier", "sourcedId") AS org_defined_id,
    "givenName" AS first_name,
    "familyName" AS last_name,
    "email" AS email,
    "role" AS role,
    "enabledUser" AS is_active
FROM typed_users
WHERE "role" IN ('student', 'teacher', 'guardian');

CREATE OR REPLACE TABLE new_relationships AS
SELECT links.student, links.guardian
FROM (
    SELECT "sourcedId" AS student, unnest("agentSourcedIds") AS guardian FROM typed_users WHERE "role" = 'student'
    UNION
    SELECT unnest("agentSourcedIds") AS student, "sourcedId" AS guardian FROM typed_users WHERE "role" = 'guardian'
) AS links
SEMI JOIN new_users AS student ON links.student = student.user_id
SEMI JOIN new_users AS guardian ON links.guardian = guardian.user_id;

CREATE OR REPLACE TABLE new_enrollments AS
SELECT
    taken.user_id,
    unnest(['course_offering:' || taken.class, 'section:' || taken.class]) AS unit_key,
    taken.role,
    taken.begin_date,
    taken.end_date
FROM (
    -- One for each user and class.
    SELECT
        enrollment."userSourcedId" AS user_id,
        enrollment."classSourcedId" AS class,
        min(enrollment."role") AS role,
        min("beginDate") AS begin_date,
        max("endDate") AS end_date
    FROM typed_enrollments AS enrollment
    SEMI JOIN year_classes ON enrollment."classSourcedId" = year_classes.class
    SEMI JOIN new_users AS person ON enrollment."userSourcedId" = person.user_id
    GROUP BY ALL
) AS taken
UNION ALL
SELECT DISTINCT
    person."sourcedId" AS user_id,
    'school:' || org."sourcedId" AS unit_key,
    person."role" AS role,
    NULL AS begin_date,
    NULL AS end_date
FROM (SELECT *, unnest("orgSourcedIds") AS listed FROM typed_users) AS person
INNER JOIN '{work}/orgs.parquet' AS org ON person.listed = org."sourcedId" AND org."type" = 'school'
WHERE person."role" IN ('student', 'teacher', 'guardian');

CREATE TABLE IF NOT EXISTS units AS FROM new_units LIMIT 0;
CREATE TABLE IF NOT EXISTS users AS FROM new_users LIMIT 0;
CREATE TABLE IF NOT EXISTS relationships AS FROM new_relationships LIMIT 0;
CREATE TABLE IF NOT EXISTS enrollments AS FROM new_enrollments LIMIT 0;

CREATE OR REPLACE TABLE delta_units AS
SELECT coalesce(new.unit_key, old.unit_key) AS unit_key, new AS after, old AS before
FROM new_units AS new
FULL JOIN units AS old ON new.unit_key = old.unit_key
WHERE new.name IS DISTINCT FROM old.name OR new.code IS DISTINCT FROM old.code OR new.parents IS DISTINCT FROM old.parents;

CREATE OR REPLACE TABLE delta_users AS
SELECT coalesce(new.user_id, old.user_id) AS user_id, new AS after, old AS before
FROM new_users AS new
FULL JOIN users AS old ON new.user_id = old.user_id
WHERE
    new.username IS DISTINCT FROM old.username
    OR new.org_defined_id IS DISTINCT FROM old.org_defined_id
    OR new.first_name IS DISTINCT FROM old.first_name
    OR new.last_name IS DISTINCT FROM old.last_name
    OR new.email IS DISTINCT FROM old.email
    OR new.role IS DISTINCT FROM old.role
    OR new.is_active IS DISTINCT FROM old.is_active;

CREATE OR REPLACE TABLE delta_relationships AS
SELECT new AS after, old AS before
FROM new_relationships AS new
FULL JOIN relationships AS old ON new.student = old.student AND new.guardian = old.guardian
WHERE new.student IS NULL OR old.student IS NULL;

CREATE OR REPLACE TABLE delta_enrollments AS
SELECT coalesce(new.user_id, old.user_id) AS user_id, coalesce(new.unit_key, old.unit_key) AS unit_key, new.role
FROM new_enrollments AS new
FULL JOIN enrollments AS old ON new.user_id = old.user_id AND new.unit_key = old.unit_key
WHERE new.role IS DISTINCT FROM old.role;

COPY (SELECT after.* FROM delta_units) TO '{work}/delta_units.csv';
COPY (SELECT after.* FROM delta_users) TO '{work}/delta_users.csv';
COPY (
    SELECT delta_enrollments.*, org_defined_id, code
    FROM delta_enrollments
    INNER JOIN new_users USING (user_id)
    INNER JOIN new_units USING (unit_key)
) TO '{work}/delta_enrollments.csv';
CREATE OR REPLACE TABLE units AS FROM new_units;
CREATE OR REPLACE TABLE users AS FROM new_users;
CREATE OR REPLACE TABLE relationships AS FROM new_relationships;
CREATE OR REPLACE TABLE enrollments AS FROM new_enrollments;

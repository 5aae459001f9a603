-- The same night in bare DuckDB: the same reads, joins and comparison, without validation, rules, reasons or state.
COPY (FROM read_csv('{feed}/orgs.csv', all_varchar = true)) TO '{work}/orgs.parquet' (COMPRESSION zstd);
COPY (FROM read_csv('{feed}/academicSessions.csv', all_varchar = true)) TO '{work}/sessions.parquet' (COMPRESSION zstd);
COPY (FROM read_csv('{feed}/courses.csv', all_varchar = true)) TO '{work}/courses.parquet' (COMPRESSION zstd);
COPY (FROM read_csv('{feed}/classes.csv', all_varchar = true)) TO '{work}/classes.parquet' (COMPRESSION zstd);
COPY (FROM read_csv('{feed}/users.csv', all_varchar = true)) TO '{work}/users.parquet' (COMPRESSION zstd);
COPY (FROM read_csv('{feed}/enrollments.csv', all_varchar = true)) TO '{work}/enrollments.parquet' (COMPRESSION zstd);

CREATE OR REPLACE TABLE new_units AS
SELECT
    'section:' || class."sourcedId" AS unit_key,
    course."title" || '-' || course."courseCode" || '/' || string_split(class."classCode", '/')[-1] AS name,
    string_split(class."classCode", '/')[-1] AS code,
    class."schoolSourcedId" AS school,
    course."sourcedId" AS template
FROM '{work}/classes.parquet' AS class
INNER JOIN '{work}/courses.parquet' AS course ON class."courseSourcedId" = course."sourcedId";
INSERT INTO new_units
SELECT 'course_offering:' || unit_key[9:], name, code, school, template FROM new_units;

CREATE OR REPLACE TABLE new_users AS
SELECT "sourcedId", "username", "identifier", "givenName", "familyName", "email", "role", "orgSourcedIds"
FROM '{work}/users.parquet'
WHERE "role" IN ('student', 'teacher', 'guardian');

CREATE OR REPLACE TABLE new_enrollments AS
SELECT person."sourcedId" AS user_id, unnest(['course_offering:' || taken.class, 'section:' || taken.class]) AS unit_key, taken.role
FROM (
    SELECT enrollment."userSourcedId" AS user_id, enrollment."classSourcedId" AS class, enrollment."role" AS role
    FROM '{work}/enrollments.parquet' AS enrollment
    INNER JOIN '{work}/classes.parquet' AS class ON enrollment."classSourcedId" = class."sourcedId"
) AS taken
INNER JOIN new_users AS person ON taken.user_id = person."sourcedId"
UNION ALL
SELECT "sourcedId" AS user_id, 'school:' || unnest(string_split("orgSourcedIds", ',')) AS unit_key, "role" AS role
FROM new_users;

CREATE TABLE IF NOT EXISTS units AS FROM new_units LIMIT 0;
CREATE TABLE IF NOT EXISTS users AS FROM new_users LIMIT 0;
CREATE TABLE IF NOT EXISTS enrollments AS FROM new_enrollments LIMIT 0;

CREATE OR REPLACE TABLE delta_units AS
SELECT coalesce(new.unit_key, old.unit_key) AS unit_key, new.name, old.name AS old_name
FROM new_units AS new
FULL JOIN units AS old ON new.unit_key = old.unit_key
WHERE new.name IS DISTINCT FROM old.name OR new.code IS DISTINCT FROM old.code;

CREATE OR REPLACE TABLE delta_users AS
SELECT coalesce(new."sourcedId", old."sourcedId") AS user_id, new AS after, old AS before
FROM new_users AS new
FULL JOIN users AS old ON new."sourcedId" = old."sourcedId"
WHERE new IS DISTINCT FROM old;

CREATE OR REPLACE TABLE delta_enrollments AS
SELECT coalesce(new.user_id, old.user_id) AS user_id, coalesce(new.unit_key, old.unit_key) AS unit_key, new.role
FROM new_enrollments AS new
FULL JOIN enrollments AS old ON new.user_id = old.user_id AND new.unit_key = old.unit_key
WHERE new.role IS DISTINCT FROM old.role;

COPY delta_units TO '{work}/units.csv';
COPY (SELECT after.* FROM delta_users) TO '{work}/users.csv';
COPY delta_enrollments TO '{work}/enrollments.csv';
CREATE OR REPLACE TABLE units AS FROM new_units;
CREATE OR REPLACE TABLE users AS FROM new_users;
CREATE OR REPLACE TABLE enrollments AS FROM new_enrollments;

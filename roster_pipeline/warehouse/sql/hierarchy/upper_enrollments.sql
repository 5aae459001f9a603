-- Who belongs to which school and district, by the rules of their role.
WITH listed AS (
    SELECT
        person.sourced_id,
        person.brightspace_role,
        person.at_school,
        person.at_district,
        person.at_schools_below,
        org.sourced_id AS org_sourced_id,
        org.type,
        org.own_key,
        org.is_unit,
        org.district
    FROM (SELECT *, unnest(org_sourced_ids) AS org_sourced_id FROM users_of_year) AS person
    INNER JOIN org_places AS org ON person.org_sourced_id = org.sourced_id
),

-- Who lists no school belongs to the schools of their classes.
schooled AS (
    SELECT sourced_id, brightspace_role, own_key
    FROM listed
    WHERE at_school AND type = 'school' AND is_unit
    UNION ALL
    SELECT person.sourced_id, person.brightspace_role, school.own_key
    FROM (
        SELECT sourced_id, brightspace_role
        FROM users_of_year
        WHERE at_school AND sourced_id NOT IN (SELECT sourced_id FROM listed WHERE type = 'school')
    ) AS person
    INNER JOIN class_enrollments AS enrollment ON person.sourced_id = enrollment.user_sourced_id
    INNER JOIN year_classes AS class ON enrollment.class_sourced_id = class.sourced_id
    INNER JOIN org_places AS school ON class.school_sourced_id = school.sourced_id
    WHERE school.is_unit AND school.type = 'school'
)

SELECT sourced_id, brightspace_role, own_key
FROM schooled
UNION
-- A district that is not listed is that of a school that is.
SELECT sourced_id, brightspace_role, 'district:' || district AS own_key
FROM listed
WHERE at_district AND district IS NOT NULL
UNION
SELECT listed.sourced_id, listed.brightspace_role, school.own_key
FROM listed
INNER JOIN org_places AS school ON listed.org_sourced_id = school.district
WHERE listed.at_schools_below AND listed.type = 'district' AND school.type = 'school' AND school.is_unit
UNION
-- Orgs of other types that are mapped: whoever lists one belongs to it.
SELECT sourced_id, brightspace_role, own_key
FROM listed
WHERE type NOT IN ('school', 'district') AND is_unit

-- Students name their guardians, and some systems have guardians name their students: both count.
WITH links AS (
    SELECT sourced_id, unnest(agent_sourced_ids) AS other
    FROM users_of_year
    WHERE role = 'student' OR is_guardian
)

SELECT DISTINCT
    student.sourced_id AS student_sourced_id,
    guardian.sourced_id AS guardian_sourced_id
FROM links
INNER JOIN users_of_year AS student
    ON student.role = 'student' AND student.sourced_id IN (links.sourced_id, links.other)
INNER JOIN users_of_year AS guardian
    ON guardian.is_guardian AND guardian.sourced_id IN (links.sourced_id, links.other)
WHERE student.sourced_id <> guardian.sourced_id

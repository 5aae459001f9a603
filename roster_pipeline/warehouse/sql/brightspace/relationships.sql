-- Students name their guardians, and some systems have guardians name their students: both count.
WITH links AS (
    SELECT sourced_id AS student_sourced_id, unnest(agent_sourced_ids) AS guardian_sourced_id
    FROM users_of_year
    WHERE role = 'student'
    UNION
    SELECT unnest(agent_sourced_ids) AS student_sourced_id, sourced_id AS guardian_sourced_id
    FROM users_of_year
    WHERE is_guardian
)

SELECT links.student_sourced_id, links.guardian_sourced_id
FROM links
INNER JOIN users_of_year AS student ON links.student_sourced_id = student.sourced_id AND student.role = 'student'
INNER JOIN users_of_year AS guardian ON links.guardian_sourced_id = guardian.sourced_id AND guardian.is_guardian

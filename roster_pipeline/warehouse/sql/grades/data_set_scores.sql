-- Scores of a tenant's data sets, in the columns of a gradebook's file, of the items that a teacher marked for the SIS.
WITH marks AS (
    SELECT
        coalesce(result.grade_object_id, exempt.grade_object_id) AS grade_object_id,
        coalesce(result.user_id, exempt.user_id) AS user_id,
        result.points_numerator,
        result.comments,
        coalesce(result.is_exempt, false) OR exempt.user_id IS NOT NULL AS is_exempt,
        coalesce(result.is_deleted, false) AS is_deleted,
        result.last_modified
    FROM grade_results AS result
    FULL JOIN exempt ON result.grade_object_id = exempt.grade_object_id AND result.user_id = exempt.user_id
)

SELECT
    marks.grade_object_id::VARCHAR AS item_id,
    students.sourced_id AS student_sourced_id,
    marks.points_numerator::VARCHAR AS points,
    marks.comments AS comment,
    marks.is_exempt::VARCHAR AS is_exempt,
    NULL::VARCHAR AS is_submitted,
    marks.is_deleted::VARCHAR AS is_deleted,
    strftime(marks.last_modified, '%Y-%m-%dT%H:%M:%SZ') AS last_modified
FROM marks
INNER JOIN read_whole ON read_whole.kind = 'item' AND marks.grade_object_id::VARCHAR = read_whole.id
INNER JOIN users ON marks.user_id = users.user_id
INNER JOIN students ON users.org_defined_id = students.org_defined_id

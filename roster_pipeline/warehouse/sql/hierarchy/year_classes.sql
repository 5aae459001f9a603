-- The classes that are active in the school year, with everything their names and codes may draw on.
WITH live AS (
    SELECT *
    FROM roster.classes
    WHERE
        source_id = getvariable('source_id')
        AND school_year = getvariable('school_year')
        AND status = 'active'
),

-- Very many classes list the same few terms.
terms AS (
    SELECT
        listed.term_sourced_ids,
        listed.place,
        session.sourced_id AS session_sourced_id,
        session.type,
        session.title,
        session.ends,
        -- Only terms and semesters place an offering in time; years and grading periods are for reporting.
        CASE
            WHEN
                session.type IN ('term', 'semester')
                AND session.status = 'active'
                AND session.ends = getvariable('year_ends')
                THEN mapped.kind || ':' || session.sourced_id
        END AS term_key
    FROM (
        SELECT
            term_sourced_ids,
            unnest(term_sourced_ids) AS session_sourced_id,
            generate_subscripts(term_sourced_ids, 1) AS place
        FROM (SELECT DISTINCT term_sourced_ids FROM live)
    ) AS listed
    INNER JOIN session_years AS session ON listed.session_sourced_id = session.sourced_id
    LEFT JOIN org_unit_types AS mapped ON session.type = mapped.sis_type
),

of_year AS (
    SELECT
        term_sourced_ids,
        list(session_sourced_id ORDER BY place) AS session_sourced_ids,
        coalesce(list(term_key ORDER BY place) FILTER (term_key IS NOT NULL), []) AS term_keys,
        arg_min(title, place) FILTER (type IN ('term', 'semester')) AS term_title
    FROM terms
    GROUP BY term_sourced_ids
    HAVING bool_or(ends = getvariable('year_ends'))
),

lead_teachers AS (
    SELECT
        enrollment.class_sourced_id,
        count(DISTINCT teacher.sourced_id) AS teachers,
        min({'family_name': teacher.family_name, 'given_name': teacher.given_name, 'id': teacher.sourced_id}) AS lead
    FROM roster.enrollments AS enrollment
    INNER JOIN roster.users AS teacher
        ON
            enrollment.source_id = teacher.source_id
            AND enrollment.school_year = teacher.school_year
            AND enrollment.user_sourced_id = teacher.sourced_id
    WHERE
        enrollment.source_id = getvariable('source_id')
        AND enrollment.school_year = getvariable('school_year')
        AND enrollment.status = 'active'
        AND enrollment.role = 'teacher'
        AND enrollment."primary"
        AND teacher.status <> 'tobedeleted'
    GROUP BY enrollment.class_sourced_id
),

courses AS (
    SELECT
        *,
        coalesce(title, course_code, sourced_id) AS unit_title
    FROM roster.courses
    WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year')
),

parts AS (
    SELECT
        class.sourced_id,
        class.course_sourced_id,
        class.school_sourced_id,
        of_year.session_sourced_ids,
        of_year.term_keys,
        class.metadata,
        class.title IS NULL AS title_missing,
        coalesce(lead_teachers.teachers, 0) AS lead_teachers,
        section_number(class.class_code, class.title, class.metadata) AS section_number,
        course.position AS course_position,
        course.org_sourced_id AS course_org_sourced_id,
        course.title IS NULL AS course_title_missing,
        course.unit_title AS course_title,
        course.course_code,
        {
            'class_class_code': class.class_code,
            'class_location': class.location,
            'class_sourced_id': class.sourced_id,
            'class_title': coalesce(class.title, class.class_code, class.sourced_id),
            'course_course_code': course.course_code,
            'course_sourced_id': course.sourced_id,
            'course_title': course.unit_title,
            'lead_teacher_family_name': lead_teachers.lead.family_name,
            'lead_teacher_given_name': lead_teachers.lead.given_name,
            'school_identifier': school.identifier,
            'school_name': school.unit_name,
            'section_number': coalesce(
                section_number(class.class_code, class.title, class.metadata), class.sourced_id
            ),
            'term_title': of_year.term_title
        } AS fields
    FROM live AS class
    INNER JOIN of_year ON class.term_sourced_ids = of_year.term_sourced_ids
    INNER JOIN courses AS course ON class.course_sourced_id = course.sourced_id
    LEFT JOIN org_places AS school ON class.school_sourced_id = school.sourced_id
    LEFT JOIN lead_teachers ON class.sourced_id = lead_teachers.class_sourced_id
),

named AS (
    SELECT
        *,
        coalesce(offering_name(fields), offering_name_remains(fields), fields.class_title) AS offering_name,
        coalesce(section_name(fields), section_name_remains(fields), fields.class_title) AS section_name,
        offering_name(fields) IS NULL OR section_name(fields) IS NULL AS name_part_missing
    FROM parts
)

SELECT
    *,
    coalesce(offering_code(fields, offering_name), offering_code_remains(fields, offering_name), sourced_id)
        AS offering_code,
    coalesce(section_code(fields, section_name), section_code_remains(fields, section_name), sourced_id)
        AS section_code
FROM named

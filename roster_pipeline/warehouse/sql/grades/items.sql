WITH described AS (
    SELECT
        item.*,
        course.class_sourced_id IS NOT NULL AS is_class_of_year,
        coalesce(course.is_managed, false) AS is_managed,
        course.course_name,
        course.course_reason,
        category.name AS category_name,
        category.category_id IS NOT NULL AS has_category,
        category.is_sis_enabled,
        CASE getvariable('policy_category')
            WHEN 'mapped' THEN mapped.sis_category_id
            ELSE category.sis_category_id
        END AS linked_category_id,
        session.title AS academic_session_title,
        session.start_date AS session_start,
        session.end_date AS session_end,
        session.sourced_id IS NOT NULL AS has_session,
        coalesce(item.activity_due_date, item.activity_end_date, session.end_date) AS due_date,
        CASE getvariable('grading_period_mode')
            WHEN 'child_grading_period_by_date' THEN coalesce((
                SELECT min(period.sourced_id)
                FROM item_sessions AS period
                WHERE
                    period.type = 'gradingPeriod'
                    AND item.academic_session_id IN (period.parent_sourced_id, period.sourced_id)
                    AND coalesce(item.activity_due_date, item.activity_end_date, session.end_date)
                    BETWEEN period.start_date AND period.end_date
            ), item.academic_session_id)
            ELSE item.academic_session_id
        END AS sent_session_id,
        greatest(item.assigned_date, local_day(item.last_modified)) AS touched_on
    FROM candidate_items AS item
    LEFT JOIN item_courses AS course ON item.class_sourced_id = course.class_sourced_id
    LEFT JOIN item_categories AS category
        ON item.class_sourced_id = category.class_sourced_id AND item.category_id = category.category_id
    LEFT JOIN category_map AS mapped ON item.assessment_type = mapped.assessment_type
    LEFT JOIN item_sessions AS session ON item.academic_session_id = session.sourced_id
),

judged AS (
    SELECT
        described.*,
        CASE
            WHEN NOT is_class_of_year THEN 'class_not_in_school_year'
            WHEN NOT is_managed THEN 'class_not_managed'
            WHEN course_reason IS NOT NULL THEN course_reason
            WHEN grading_mode LIKE 'standard%' THEN 'standards_based'
            WHEN getvariable('policy_item_types') IS NOT NULL
                AND NOT coalesce(list_contains(getvariable('policy_item_types')::VARCHAR[], type), false) THEN 'type_not_supported'
            WHEN type IN ('text', 'calculated', 'finalcalculated', 'finaladjusted') THEN 'type_not_supported'
            WHEN name IS NULL THEN 'name_missing'
            WHEN max_points IS NULL OR max_points < 0 THEN 'max_points_missing'
            WHEN getvariable('policy_category') = 'mapped' AND linked_category_id IS NULL THEN 'category_unmapped'
            WHEN getvariable('policy_category') <> 'mapped' AND category_id IS NULL THEN 'category_missing'
            WHEN getvariable('policy_category') <> 'mapped' AND NOT has_category THEN 'category_unknown'
            WHEN getvariable('policy_category') = 'linked' AND linked_category_id IS NULL THEN 'category_not_sis'
            WHEN getvariable('policy_category') <> 'mapped' AND NOT is_sis_enabled THEN 'category_not_enabled'
            WHEN academic_session_id IS NULL THEN 'no_academic_session'
            WHEN NOT has_session THEN 'academic_session_unknown'
            WHEN due_date IS NULL THEN 'due_date_missing'
            WHEN length(name) > getvariable('policy_longest_name') THEN 'name_too_long'
            WHEN getvariable('policy_whole_numbers') AND NOT is_whole(max_points) THEN 'max_points_not_whole'
            WHEN getvariable('policy_only_in_final_grade') AND NOT coalesce(include_in_final, false)
                THEN 'not_in_final_grade'
            WHEN getvariable('policy_only_teacher_group') AND assigned_by NOT IN (SELECT sourced_id FROM sis_users)
                THEN 'assigner_not_in_sis'
            WHEN getvariable('policy_only_teacher_group')
                AND NOT coalesce(list_contains(getvariable('teacher_group')::VARCHAR[], assigned_by), false)
                THEN 'assigner_not_in_group'
            WHEN getvariable('policy_only_open_grading_period') THEN CASE
                WHEN getvariable('as_of') < getvariable('effective_date')::DATE THEN 'before_effective_date'
                WHEN session_end < getvariable('as_of') THEN 'closed_grading_period'
                WHEN session_start > getvariable('as_of') THEN 'outside_current_grading_period'
                -- The SIS refuses what touches a period that is over.
                WHEN EXISTS (
                    SELECT 1 FROM item_sessions AS closed
                    WHERE
                        closed.type = 'gradingPeriod'
                        AND closed.end_date < getvariable('as_of')
                        AND closed.start_date <= greatest(described.due_date, described.assigned_date)
                        AND closed.end_date >= least(described.due_date, described.assigned_date)
                ) THEN 'closed_grading_period'
                WHEN due_date < session_start OR assigned_date < session_start THEN 'closed_grading_period'
                WHEN due_date > session_end THEN 'outside_current_grading_period'
                WHEN touched_on < getvariable('effective_date')::DATE THEN 'before_effective_date'
            END
        END AS reason
    FROM described
),

answered AS (
    SELECT
        judged.*,
        -- An item that is deleted says so only where it would go otherwise: then the SIS may have to be told.
        CASE
            WHEN reason IS NOT NULL THEN reason
            WHEN is_deleted THEN 'deleted'
            WHEN getvariable('policy_needs_category_listing') AND EXISTS (
                SELECT 1 FROM item_class_categories AS listed
                WHERE listed.class_sourced_id = judged.class_sourced_id
            ) AND NOT EXISTS (
                SELECT 1 FROM item_class_categories AS listed
                WHERE
                    listed.class_sourced_id = judged.class_sourced_id
                    AND listed.sis_category_id = judged.linked_category_id
            ) THEN 'category_not_active_for_class'
            WHEN getvariable('policy_only_graded') AND item_id NOT IN (SELECT item_id FROM graded_items)
                THEN 'not_graded'
        END AS reason_not_eligible
    FROM judged
)

SELECT
    item_id,
    class_sourced_id,
    course_name,
    name,
    description,
    type,
    max_points,
    category_id,
    category_name,
    CASE WHEN getvariable('policy_sends_category') THEN linked_category_id END AS sis_category_id,
    academic_session_id,
    academic_session_title,
    sent_session_id,
    activity_due_date,
    activity_end_date,
    due_date,
    include_in_final,
    grading_mode,
    assessment_type,
    assigned_by,
    assigned_date,
    is_deleted,
    last_modified,
    reason_not_eligible,
    reason_not_eligible IS NULL AS eligible
FROM answered

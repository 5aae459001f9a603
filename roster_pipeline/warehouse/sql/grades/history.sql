-- Exports, newest first: who, when, what of which course, how many students, items and scores, and what went wrong.
SELECT
    run.run_id,
    run.trigger,
    run.requested_by,
    run.started_at,
    run.ended_at,
    run.status,
    run.is_scheduled AS scheduled_export,
    list(DISTINCT line.course_name ORDER BY line.course_name)
        FILTER (WHERE line.course_name IS NOT NULL) AS courses,
    count(DISTINCT line.student) FILTER (WHERE line.outcome IN ('sent', 'unverified', 'deleted')) AS students,
    count(DISTINCT line.item) FILTER (WHERE line.outcome <> 'skipped') AS items,
    count(*) FILTER (
        WHERE line.kind = 'result' AND line.outcome IN ('sent', 'unverified', 'deleted')
    ) AS scores,
    count(*) FILTER (WHERE line.outcome IN ('failed', 'unknown', 'parent_failed', 'unverified', 'stuck')) AS errors,
    count(*) FILTER (WHERE line.outcome = 'skipped') AS skipped,
    run.error
FROM grades.export_runs AS run
LEFT JOIN grades.export_lines AS line
    ON
        run.source_id = line.source_id
        AND run.school_year = line.school_year
        AND run.run_id = line.run_id
WHERE
    run.source_id = getvariable('source_id')
    AND run.school_year = getvariable('school_year')
    AND (
        getvariable('only_run') = run.run_id
        OR (getvariable('only_run') IS NULL AND (run.trigger = 'on_demand' OR getvariable('with_nightly')))
    )
GROUP BY ALL
ORDER BY run.started_at DESC NULLS FIRST, run.run_id

-- Start and end of each offering: those of the first session of its class that has the configured type, or of that
-- session's ancestor of the type, moved by the configured days. Without inheritance they are the class's own, which
-- OneRoster 1.1 does not have and some systems put into its metadata.
WITH candidates AS (
    SELECT
        class.session_sourced_ids,
        place,
        session.start_date + getvariable('start_offset_days')::INTEGER AS start_date,
        session.end_date + getvariable('end_offset_days')::INTEGER AS end_date,
        depth
    FROM (
        SELECT
            session_sourced_ids,
            unnest(session_sourced_ids) AS session_sourced_id,
            generate_subscripts(session_sourced_ids, 1) AS place
        FROM (SELECT DISTINCT session_sourced_ids FROM year_classes)
    ) AS class
    INNER JOIN session_years AS own ON class.session_sourced_id = own.sourced_id
    CROSS JOIN unnest(own.lineage) WITH ORDINALITY AS ancestor (session_sourced_id, depth)
    INNER JOIN session_years AS session ON ancestor.session_sourced_id = session.sourced_id
    WHERE session.type = getvariable('dates_session_type')
),

chosen AS (
    SELECT
        session_sourced_ids,
        arg_min({'start_date': start_date, 'end_date': end_date}, (depth > 1, place, depth)) AS dates
    FROM candidates
    GROUP BY session_sourced_ids
),

dated AS (
    SELECT
        class.sourced_id,
        getvariable('dates_inherit') AND chosen.session_sourced_ids IS NULL AS session_missing,
        CASE
            WHEN getvariable('dates_inherit') THEN chosen.dates.start_date
            ELSE parse_date(clean(json_extract_string(class.metadata, getvariable('dates_metadata_start')::VARCHAR)))
        END AS start_date,
        CASE
            WHEN getvariable('dates_inherit') THEN chosen.dates.end_date
            ELSE parse_date(clean(json_extract_string(class.metadata, getvariable('dates_metadata_end')::VARCHAR)))
        END AS end_date
    FROM year_classes AS class
    LEFT JOIN chosen ON class.session_sourced_ids = chosen.session_sourced_ids
)

SELECT
    sourced_id,
    session_missing,
    coalesce(end_date < start_date, false) AS dates_contradict,
    CASE WHEN NOT coalesce(end_date < start_date, false) THEN start_date END AS start_date,
    CASE WHEN NOT coalesce(end_date < start_date, false) THEN end_date END AS end_date
FROM dated

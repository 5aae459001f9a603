-- New users and classes that look like managed ones whose sourcedId is gone, among those that the SIS still knows.
WITH managed_users AS (
    SELECT
        sourced_id,
        lower(fields ->> 'username') AS username,
        fields ->> 'org_defined_id' AS org_defined_id,
        sourced_id IN (
            SELECT sourced_id
            FROM roster.users
            WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year')
            UNION ALL
            SELECT sourced_id
            FROM roster.rejects
            WHERE
                source_id = getvariable('source_id')
                AND school_year = getvariable('school_year')
                AND kind = 'user'
                AND sourced_id IS NOT NULL
        ) AS is_known
    FROM sync.mappings
    WHERE
        source_id = getvariable('source_id')
        AND kind = 'user'
        AND 'user:' || sourced_id NOT IN (SELECT key FROM held_by_later_year)
),

new_users AS (
    SELECT lower(after ->> 'username') AS username, after ->> 'org_defined_id' AS org_defined_id
    FROM delta.users
    WHERE
        source_id = getvariable('source_id')
        AND school_year = getvariable('school_year')
        AND action = 'create'
),

-- Classes are new every year by right: only those of the year itself are compared.
managed_classes AS (
    SELECT
        sourced_id,
        fields ->> 'code' AS code,
        fields ->> 'name' AS name,
        sourced_id IN (
            SELECT sourced_id
            FROM roster.classes
            WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year')
            UNION ALL
            SELECT sourced_id
            FROM roster.rejects
            WHERE
                source_id = getvariable('source_id')
                AND school_year = getvariable('school_year')
                AND kind = 'class'
                AND sourced_id IS NOT NULL
        ) AS is_known
    FROM sync.mappings
    WHERE
        source_id = getvariable('source_id')
        AND kind = 'course_offering'
        AND school_year = getvariable('school_year')
),

new_classes AS (
    SELECT after ->> 'code' AS code, after ->> 'name' AS name
    FROM delta.org_units
    WHERE
        source_id = getvariable('source_id')
        AND school_year = getvariable('school_year')
        AND kind = 'course_offering'
        AND action = 'create'
),

counted AS (
    SELECT
        'users' AS entity,
        (
            SELECT count(*)
            FROM new_users
            WHERE
                username IN (SELECT username FROM managed_users WHERE NOT is_known)
                OR org_defined_id IN (SELECT org_defined_id FROM managed_users WHERE NOT is_known)
        ) AS reissued,
        (SELECT count(*) FROM managed_users WHERE is_known) AS known
    UNION ALL
    SELECT
        'classes' AS entity,
        (
            SELECT count(*)
            FROM new_classes
            SEMI JOIN (FROM managed_classes WHERE NOT is_known) AS gone
                ON new_classes.code = gone.code AND new_classes.name = gone.name
        ) AS reissued,
        (SELECT count(*) FROM managed_classes WHERE is_known) AS known
)

SELECT entity, reissued, reissued + known AS managed
FROM counted
WHERE
    reissued >= greatest(getvariable('ignore_below'), 1)
    AND reissued * 100.0 > getvariable('max_changed_percent') * (reissued + known)
ORDER BY entity

-- What was not linked although it was meant to be, and course content that could not be found.
INSERT INTO findings (code, kind, sourced_id, detail)
SELECT
    CASE verdict
        WHEN 'ambiguous' THEN 'link.ambiguous_code'
        WHEN 'managed' THEN 'link.managed_already'
        ELSE 'link.near_match'
    END AS code,
    kind,
    sourced_id,
    CASE verdict WHEN 'near' THEN near_codes ELSE code END AS detail
FROM unit_links
WHERE verdict IN ('ambiguous', 'managed', 'near')
UNION ALL
SELECT
    CASE verdict
        WHEN 'ambiguous' THEN 'link.ambiguous_user'
        ELSE 'link.managed_already'
    END AS code,
    'user' AS kind,
    sourced_id,
    getvariable('link_users_by') AS detail
FROM user_links
WHERE verdict IN ('ambiguous', 'managed')
UNION ALL
SELECT
    'user.username_taken' AS code,
    'user' AS kind,
    sourced_id,
    NULL AS detail
FROM user_links
WHERE username_taken
UNION ALL
SELECT
    CASE WHEN sources = 0 THEN 'content_copy.source_missing' ELSE 'content_copy.source_ambiguous' END AS code,
    'course_offering' AS kind,
    sourced_id,
    wanted AS detail
FROM content_sources
WHERE sources <> 1;

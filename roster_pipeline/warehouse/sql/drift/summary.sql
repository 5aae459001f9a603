-- The findings counted, with what becomes of them.
SELECT finding, kind, field, count(*) AS rows, next_night
FROM sync.drift
WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year')
GROUP BY finding, kind, field, next_night
ORDER BY finding, kind, field, next_night

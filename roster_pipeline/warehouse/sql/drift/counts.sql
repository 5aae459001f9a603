SELECT finding, kind, count(*) AS rows
FROM sync.drift
WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year')
GROUP BY finding, kind
ORDER BY finding, kind

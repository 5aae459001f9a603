-- Made from the pandera schemas: python -m roster_pipeline.oneroster.schemas
SELECT
  "t0"."position",
  "t0"."sourced_id",
  CAST([
    CASE
      WHEN "t0"."sourced_id" IS NOT NULL
      THEN CAST(NULL AS TEXT)
      ELSE 'row.sourced_id_missing'
    END
  ] AS TEXT[]) AS "codes"
FROM "accepted" AS "t0"
WHERE
  NOT (
    "t0"."sourced_id" IS NOT NULL
  )

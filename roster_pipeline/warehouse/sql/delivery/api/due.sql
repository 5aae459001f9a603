-- The rows of the delta of {table} that a batch of answers confirms, with the ids that Brightspace gave.
DROP VIEW IF EXISTS due_{table};

CREATE OR REPLACE TEMP TABLE due_{table} AS
SELECT
    change.* REPLACE (
        CASE
            WHEN item.brightspace_id IS NULL OR change.after IS NULL THEN change.after
            ELSE json_merge_patch(change.after, json_object('brightspace_id', item.brightspace_id))
        END AS after
    )
FROM delta.{table} AS change
INNER JOIN answered AS item ON {kind} = item.kind AND {sourced_id} = item.sourced_id
WHERE
    change.source_id = getvariable('source_id')
    AND change.school_year = getvariable('school_year')
    AND item.outcome = 'delivered'

-- Org units of the delta for the API: with the ids of what is above them, as far as those are known by now.
WITH changed AS (
    SELECT *
    FROM delta.org_units
    WHERE
        source_id = getvariable('source_id')
        AND school_year = getvariable('school_year')
        AND action <> 'unmap'
),

links AS (
    SELECT org_unit_key, 'before' AS side, unnest((before -> 'parents')::VARCHAR[]) AS parent_key
    FROM changed
    WHERE before IS NOT NULL
    UNION ALL
    SELECT org_unit_key, 'after' AS side, unnest((after -> 'parents')::VARCHAR[]) AS parent_key
    FROM changed
    WHERE after IS NOT NULL
),

parents AS (
    SELECT
        links.org_unit_key,
        links.side,
        list(
            {
                'key': links.parent_key,
                'type_name': coalesce(parent.fields ->> 'org_unit_type', 'Organization'),
                'brightspace_id': parent.brightspace_id
            }
            ORDER BY links.parent_key
        ) AS refs
    FROM links
    LEFT JOIN sync.mappings AS parent
        ON parent.source_id = getvariable('source_id') AND links.parent_key = parent.kind || ':' || parent.sourced_id
    GROUP BY links.org_unit_key, links.side
),

-- What was deleted in the SIS and stayed in Brightspace, should it come back.
let_go AS (
    SELECT kind, sourced_id, arg_max((before ->> 'brightspace_id')::BIGINT, "at") AS brightspace_id
    FROM sync.audit_log
    WHERE source_id = getvariable('source_id') AND action IN ('unmap', 'inactivate') AND outcome = 'delivered'
    GROUP BY kind, sourced_id
),

-- Sections are told apart inside their offerings.
shared_codes AS (
    SELECT lower(org_unit_type) AS type, delivery_code AS code
    FROM brightspace.org_units
    WHERE
        source_id = getvariable('source_id')
        AND school_year = getvariable('school_year')
        AND kind <> 'section'
    GROUP BY ALL
    HAVING count(*) > 1
)

SELECT
    CASE changed.kind
        WHEN 'course_template' THEN 'template'
        WHEN 'course_offering' THEN 'offering'
        WHEN 'section' THEN 'section'
        ELSE 'upper_org_unit'
    END AS entity,
    changed.action IN ('delete', 'inactivate') AS is_removal,
    coalesce(unit_depths.depth, 1) AS depth,
    changed.kind,
    changed.sourced_id,
    changed.action,
    -- What was linked is managed from its confirmation on, and hangs where somebody else put it.
    coalesce(mapping.brightspace_id, (changed.after ->> 'brightspace_id')::BIGINT, let_go.brightspace_id)
        AS brightspace_id,
    changed.before,
    changed.after,
    CASE WHEN mapping.sourced_id IS NOT NULL THEN before_parents.refs END AS before_parents,
    after_parents.refs AS after_parents,
    shared_codes.code IS NOT NULL AS code_is_shared
FROM changed
LEFT JOIN sync.mappings AS mapping
    ON
        mapping.source_id = getvariable('source_id')
        AND changed.kind = mapping.kind
        AND changed.sourced_id = mapping.sourced_id
LEFT JOIN let_go ON changed.kind = let_go.kind AND changed.sourced_id = let_go.sourced_id
LEFT JOIN unit_depths ON changed.org_unit_key = unit_depths.org_unit_key
LEFT JOIN parents AS before_parents
    ON changed.org_unit_key = before_parents.org_unit_key AND before_parents.side = 'before'
LEFT JOIN parents AS after_parents
    ON changed.org_unit_key = after_parents.org_unit_key AND after_parents.side = 'after'
LEFT JOIN shared_codes
    ON
        lower(changed.after ->> 'org_unit_type') = shared_codes.type
        AND (changed.after ->> 'delivery_code') = shared_codes.code

-- Where the managed units should hang and where they do, as ids in Brightspace. A parent that is not managed is nobody's
-- business here: Brightspace's import leaves it alone too. A parent that is gone is told of as missing itself.
WITH root AS (
    SELECT brightspace_id AS root_id
    FROM existing_org_units
    WHERE type = 'organization'
),

links AS (
    SELECT org_unit_key, unnest((fields -> 'parents')::VARCHAR[]) AS parent_key
    FROM found_units
    WHERE
        found_id IS NOT NULL
        AND is_seen
        AND getvariable('way') <> 'files'
        AND (kind <> 'section' OR getvariable('way') = 'data_sets')
),

delivered AS (
    SELECT
        links.org_unit_key,
        parent.found_id AS parent_id,
        parent.type,
        -- In a line of the Standard CSV there is room for one parent of each of these types.
        row_number() OVER (PARTITION BY links.org_unit_key, parent.type ORDER BY parent.code) AS place
    FROM links
    INNER JOIN found_units AS parent ON links.parent_key = parent.org_unit_key
    WHERE parent.found_id IS NOT NULL
),

expected AS (
    SELECT org_unit_key, parent_id
    FROM delivered
    WHERE
        NOT getvariable('standard_csv')
        OR place = 1
        OR type NOT IN ('department', 'semester', 'course template', 'course offering')
    UNION
    SELECT links.org_unit_key, root.root_id AS parent_id
    FROM links
    CROSS JOIN root
    WHERE
        links.parent_key = 'organization:root'
        -- A line without another parent is how the Standard CSV names the organization.
        AND (NOT getvariable('standard_csv') OR links.org_unit_key NOT IN (SELECT org_unit_key FROM delivered))
),

found AS (
    SELECT DISTINCT unit.org_unit_key, link.parent_id
    FROM existing_org_unit_parents AS link
    INNER JOIN found_units AS unit ON link.brightspace_id = unit.found_id
    WHERE
        unit.org_unit_key IN (SELECT org_unit_key FROM links)
        AND link.parent_id IN (SELECT found_id FROM found_units UNION SELECT root_id FROM root)
),

compared AS (
    SELECT
        coalesce(expected.org_unit_key, found.org_unit_key) AS org_unit_key,
        expected.parent_id AS expected_id,
        found.parent_id AS found_id
    FROM expected
    FULL JOIN found ON expected.org_unit_key = found.org_unit_key AND expected.parent_id = found.parent_id
)

SELECT
    compared.org_unit_key,
    string_agg(there.name, ', ' ORDER BY there.name) FILTER (compared.expected_id IS NOT NULL) AS expected,
    string_agg(there.name, ', ' ORDER BY there.name) FILTER (compared.found_id IS NOT NULL) AS found
FROM compared
INNER JOIN existing_org_units AS there ON coalesce(compared.expected_id, compared.found_id) = there.brightspace_id
GROUP BY compared.org_unit_key
HAVING bool_or(compared.expected_id IS NULL OR compared.found_id IS NULL)

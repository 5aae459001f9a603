INSERT INTO findings (code, kind, sourced_id, detail, position)
WITH live AS NOT MATERIALIZED (
    SELECT *
    FROM accepted
    WHERE status <> 'tobedeleted'
)

SELECT
    'user.email_missing' AS code,
    'user' AS kind,
    sourced_id,
    NULL AS detail,
    position
FROM live
WHERE email IS NULL AND role IN (SELECT sis_role FROM role_rules)
UNION ALL
SELECT
    'user.org_unknown' AS code,
    'user' AS kind,
    listed.sourced_id,
    listed.org_sourced_id AS detail,
    listed.position
FROM (SELECT sourced_id, position, unnest(org_sourced_ids) AS org_sourced_id FROM live) AS listed
ANTI JOIN accepted_orgs AS org ON listed.org_sourced_id = org.sourced_id
UNION ALL
SELECT
    'user.agent_unknown' AS code,
    'user' AS kind,
    listed.sourced_id,
    listed.agent_sourced_id AS detail,
    listed.position
FROM (SELECT sourced_id, position, unnest(agent_sourced_ids) AS agent_sourced_id FROM live) AS listed
ANTI JOIN (SELECT sourced_id FROM accepted UNION ALL SELECT sourced_id FROM dropped) AS agent
    ON listed.agent_sourced_id = agent.sourced_id

-- Live users whose role is mapped, with the org-defined id that their role's rules choose.
WITH live AS (
    SELECT
        person.*,
        rule.brightspace_role,
        rule.at_school,
        rule.at_district,
        rule.at_schools_below,
        rule.is_guardian,
        list_transform(
            rule.org_defined_id,
            lambda source: CASE
                WHEN source = 'identifier' THEN person.identifier
                WHEN source = 'sourced_id' THEN person.sourced_id
                ELSE list_transform(
                    list_filter(
                        person.user_ids,
                        lambda item: starts_with(lower(item), lower(replace(source, 'user_ids:', '')) || ':')
                    ),
                    lambda item: substr(item, instr(item, ':') + 1)
                )[1]
            END
        ) AS org_defined_ids,
        rule.org_defined_id AS org_defined_id_sources
    FROM roster.users AS person
    INNER JOIN role_rules AS rule ON person.role = rule.sis_role
    WHERE
        person.source_id = getvariable('source_id')
        AND person.school_year = getvariable('school_year')
        AND person.status <> 'tobedeleted'
)

SELECT
    * EXCLUDE (source_id, school_year),
    list_filter(org_defined_ids, lambda id: id IS NOT NULL)[1] AS org_defined_id
FROM live

CREATE OR REPLACE TEMP TABLE existing_users (
    brightspace_id BIGINT,
    username VARCHAR,
    org_defined_id VARCHAR,
    first_name VARCHAR,
    last_name VARCHAR,
    email VARCHAR,
    "role" VARCHAR,
    is_active BOOLEAN
);

CREATE OR REPLACE TEMP TABLE existing_org_units (
    brightspace_id BIGINT,
    type VARCHAR,
    code VARCHAR,
    name VARCHAR,
    parent_codes VARCHAR[],
    template_code VARCHAR,
    is_active BOOLEAN
);

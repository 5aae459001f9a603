CREATE OR REPLACE TEMP TABLE existing_roles (name VARCHAR, code VARCHAR);

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
    is_active BOOLEAN,
    dates_known BOOLEAN DEFAULT false,
    start_date TIMESTAMP,
    end_date TIMESTAMP
);

CREATE OR REPLACE TEMP TABLE existing_org_unit_parents (brightspace_id BIGINT, parent_id BIGINT);

CREATE OR REPLACE TEMP TABLE existing_enrollments (
    user_id BIGINT,
    org_unit_id BIGINT,
    "role" VARCHAR,
    is_inherited BOOLEAN
);

-- Whether the settings let a change in the SIS overwrite the field.
CREATE OR REPLACE TEMP MACRO may_overwrite(kind, field) AS
    CASE
        WHEN kind = 'user' THEN
            CASE field
                WHEN 'username' THEN getvariable('overwrite_username')
                WHEN 'org_defined_id' THEN getvariable('overwrite_org_defined_id')
                WHEN 'first_name' THEN getvariable('overwrite_first_name')
                WHEN 'last_name' THEN getvariable('overwrite_last_name')
                WHEN 'email' THEN getvariable('overwrite_email')
                WHEN 'role' THEN getvariable('overwrite_system_role')
                ELSE getvariable('overwrite_user_status')
            END
        WHEN field = 'parents' THEN true
        WHEN kind IN ('course_template', 'course_offering', 'section') THEN
            CASE
                WHEN field = 'code' THEN getvariable('overwrite_course_code')
                WHEN field IN ('start_date', 'end_date') THEN getvariable('overwrite_course_dates')
                WHEN field = 'is_active' THEN getvariable('overwrite_course_status')
                WHEN kind = 'section' THEN getvariable('overwrite_section_name')
                ELSE getvariable('overwrite_course_name')
            END
        WHEN field IN ('start_date', 'end_date') THEN true
        WHEN kind IN ('school_year', 'semester', 'term', 'grading_period') THEN getvariable('overwrite_semester_name')
        WHEN kind = 'department' THEN getvariable('overwrite_department_name')
        ELSE getvariable('overwrite_org_unit_name')
    END;

CREATE OR REPLACE TEMP MACRO may_overwrite_role(kind) AS
    CASE
        WHEN kind IN ('course_offering', 'section') THEN getvariable('overwrite_role_in_course')
        ELSE getvariable('overwrite_role_in_upper_org_units')
    END;

-- What the nights to come do about a finding. The delta compares the SIS with what was last delivered and never with
-- Brightspace, so that nothing is put right before the SIS changes. Over the API only fields that change are written; a
-- line of a Standard CSV carries all of them, and what it is about is made again where it is gone, but for accounts
-- (D2L's article on how the import treats changes made by hand).
CREATE OR REPLACE TEMP MACRO next_night(finding, kind, field, is_desired) AS
    CASE
        WHEN finding = 'enrollment_unknown' THEN 'left alone: nothing is done to enrollments that are not managed'
        WHEN finding = 'duplicate_code' AND kind = 'user'
            THEN 'nothing, and linking leaves both accounts out; give one of them another org-defined id'
        WHEN finding = 'duplicate_code'
            THEN 'nothing, and linking leaves both units out; give the other one another code'
        WHEN NOT is_desired THEN 'nothing: the SIS no longer asks for it'
        WHEN finding = 'missing' AND kind = 'user' AND getvariable('standard_csv')
            THEN 'nothing; Brightspace refuses each change of the user until an administrator removes the mapping of '
                || 'the deleted account from the import'
        WHEN finding = 'missing' AND kind = 'user'
            THEN 'nothing; each change of the user fails until an administrator restores the account'
        WHEN finding = 'missing' AND getvariable('standard_csv')
            THEN 'created again when anything of it changes in the SIS'
        WHEN finding = 'missing'
            THEN 'restored from the recycle bin, or created again, when its name, code or place changes in the SIS'
        WHEN finding = 'enrollment_missing'
            THEN 'enrolled again when the SIS ends the enrollment and begins it anew; until then by hand only'
        WHEN getvariable('standard_csv') AND finding = 'changed'
            THEN 'put right when anything of it changes in the SIS: its line carries every field'
        WHEN finding = 'enrollment_role_changed' AND may_overwrite_role(kind)
            THEN 'put right when the role changes in the SIS'
        WHEN finding = 'changed' AND may_overwrite(kind, field) THEN 'put right when this value changes in the SIS'
        ELSE 'stays as it is: the overwrite settings keep it'
    END;

-- Whether a time there is on the day that was delivered: by the district's clock or, as an import may have written it, by
-- UTC. Where nothing was delivered, any time is right.
CREATE OR REPLACE TEMP MACRO is_day(day, moment) AS
    day IS NULL
    OR (
        moment IS NOT NULL
        AND day IN (moment::DATE, ((moment AT TIME ZONE 'UTC') AT TIME ZONE getvariable('timezone'))::DATE)
    );

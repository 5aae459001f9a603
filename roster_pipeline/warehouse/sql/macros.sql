-- How text of the SIS is read, in one place. Every macro yields NULL for what it cannot read.

-- Blanks, no-break and zero-width characters around a value are not part of it; nothing left is no value.
-- Most values begin and end with a visible character of ASCII, and to see that is much cheaper than to trim them.
CREATE OR REPLACE TEMP MACRO clean(value) AS
    CASE
        WHEN ascii(value) BETWEEN 33 AND 126 AND ascii(value[-1]) BETWEEN 33 AND 126 THEN value
        ELSE nullif(trim(value, ' ' || chr(9) || chr(10) || chr(13) || chr(160) || chr(8203) || chr(65279)), '')
    END;

-- In names, runs of blanks count as one.
CREATE OR REPLACE TEMP MACRO clean_name(value) AS
    regexp_replace(clean(value), '[ \t\x{A0}]{2,}', ' ', 'g');

-- Most lists hold nothing to be cleaned, and to see that is much cheaper than to clean them.
CREATE OR REPLACE TEMP MACRO clean_list(items) AS
    CASE
        WHEN regexp_matches(',' || array_to_string(items, ',') || ',', '[\s\x{A0}\x{200B}\x{FEFF}]|,,')
            OR list_count(items) < len(items)
            THEN list_filter(list_transform(items, lambda item: clean(item)), lambda item: item IS NOT NULL)
        ELSE coalesce(items, [])
    END;

-- The year 1 and the year 9999 are what databases write for "none".
CREATE OR REPLACE TEMP MACRO is_plausible_year(digits) AS
    digits BETWEEN '1900' AND '2200';

-- A dateTime where a date belongs is read for its date part, without moving it between zones.
CREATE OR REPLACE TEMP MACRO parse_date(value) AS
    CASE
        WHEN is_plausible_year(left(value, 4)) THEN try_cast(left(value, 10) AS DATE)
        WHEN is_plausible_year(right(value, 4)) THEN try_strptime(value, '%m/%d/%Y')::DATE
    END;

-- In UTC. DuckDB's TIMESTAMP would take a dateTime's own zone for blank space: '…T08:30:00-05:00' is 13:30.
-- Seconds and milliseconds since 1970 are what some systems write for a dateTime; these end before the year 2200.
CREATE OR REPLACE TEMP MACRO parse_timestamp(value) AS
    CASE
        WHEN NOT is_plausible_year(left(value, 4)) OR NOT contains(value, '-')
            THEN make_timestamp(
                CASE
                    WHEN len(value) = 10 AND try_cast(value AS BIGINT) BETWEEN 0 AND 7258118399
                        THEN try_cast(value AS BIGINT) * 1000000
                    WHEN len(value) = 13 AND try_cast(value AS BIGINT) BETWEEN 0 AND 7258118399999
                        THEN try_cast(value AS BIGINT) * 1000
                END
            )
        WHEN regexp_matches(value, '\d[T ].*[+-]\d{2}:?\d{2}$')
            THEN make_timestamp(epoch_us(try_cast(regexp_replace(value, ' ([+-])', '\1') AS TIMESTAMPTZ)))
        ELSE try_cast(value AS TIMESTAMP)
    END;

CREATE OR REPLACE TEMP MACRO parse_boolean(value) AS
    CASE
        WHEN lower(value) IN ('true', 't', 'yes', 'y', '1') THEN true
        WHEN lower(value) IN ('false', 'f', 'no', 'n', '0') THEN false
    END;

-- Without a status, or with one that OneRoster does not know, an object counts as there: a word that nobody
-- understands must not remove anybody.
CREATE OR REPLACE TEMP MACRO is_status(value) AS
    lower(value) IN ('active', 'inactive', 'tobedeleted');
CREATE OR REPLACE TEMP MACRO parse_status(value) AS
    CASE WHEN is_status(value) THEN lower(value) ELSE 'active' END;

CREATE OR REPLACE TEMP MACRO parse_role(value) AS
    CASE
        WHEN rtrim(lower(value), 's') IN (
            'administrator', 'aide', 'guardian', 'parent', 'proctor', 'relative', 'student', 'teacher'
        ) THEN rtrim(lower(value), 's')
        ELSE lower(value)
    END;

CREATE OR REPLACE TEMP MACRO parse_session_type(value) AS
    CASE lower(value)
        WHEN 'gradingperiod' THEN 'gradingPeriod'
        WHEN 'schoolyear' THEN 'schoolYear'
        WHEN 'semester' THEN 'semester'
        WHEN 'term' THEN 'term'
        ELSE value
    END;

-- '2027' as the standard has it; '2026-2027' and '2026/27' as some write it.
CREATE OR REPLACE TEMP MACRO parse_year(value) AS
    CASE
        WHEN regexp_full_match(value, '\d{4}') THEN value::INTEGER
        WHEN regexp_full_match(value, '\d{4}\s*[-/]\s*(\d{2}|\d{4})') THEN left(value, 4)::INTEGER + 1
    END;

-- The field's name where there is text in it that could not be read: unread('endDate', endDate, end_date IS NULL).
CREATE OR REPLACE TEMP MACRO unread(field_name, value, is_unread) AS
    CASE WHEN value IS NOT NULL AND is_unread THEN field_name END;

-- One identity out of two, unambiguous whatever the parts hold.
CREATE OR REPLACE TEMP MACRO pair_key(first_part, second_part) AS
    CASE
        WHEN contains(first_part, '%') OR contains(first_part, '|')
            THEN replace(replace(first_part, '%', '%25'), '|', '%7C')
        ELSE first_part
    END || '|' || second_part;
CREATE OR REPLACE TEMP MACRO pair_second(pair) AS
    substr(pair, instr(pair, '|') + 1);

-- The Standard CSV takes no double quote and no control character inside a value.
CREATE OR REPLACE TEMP MACRO deliverable(value) AS
    CASE
        WHEN getvariable('standard_csv')
            THEN regexp_replace(replace(value, '"', ''''), '[\x00-\x1f\x7f]', ' ', 'g')
        ELSE value
    END;

-- Text that another system will be asked to hold, as the delta compares it: JSON null and SQL NULL are the same.
CREATE OR REPLACE TEMP MACRO field_change(field_name, old_json, new_json, is_allowed) AS
    {
        'name': field_name,
        'value': coalesce(new_json, 'null'::JSON),
        'changes': is_allowed
            AND coalesce(old_json, 'null'::JSON)::VARCHAR <> coalesce(new_json, 'null'::JSON)::VARCHAR
    };

CREATE OR REPLACE TEMP MACRO changed_names(changes) AS
    list_transform(list_filter(changes, lambda change: change.changes), lambda change: change.name);

-- The fields as they will be: those before, with the changed ones laid over them.
CREATE OR REPLACE TEMP MACRO changed_fields_json(fields, changes) AS
    json_merge_patch(
        fields,
        to_json(
            map_from_entries(
                list_transform(
                    list_filter(changes, lambda change: change.changes),
                    lambda change: {'key': change.name, 'value': change.value}
                )
            )
        )
    );

-- Why an object is updated: because it was linked, because the SIS changed it, or both.
CREATE OR REPLACE TEMP MACRO update_reason(link, names) AS
    concat_ws('; ', link, CASE WHEN len(names) > 0 THEN 'changed in the SIS: ' || array_to_string(names, ', ') END);

-- How a gradebook's text is read; what it shares with the roster is in the other macros.

-- An instant belongs to the day that the district's clocks showed; a plain date or a time without zone is that day.
CREATE OR REPLACE TEMP MACRO local_date(value) AS
    CASE
        WHEN regexp_matches(value, '\d:\d{2}.*(Z|z|[+-]\d{2}:?\d{2})$')
            THEN ((parse_timestamp(value) AT TIME ZONE 'UTC') AT TIME ZONE getvariable('timezone'))::DATE
        ELSE parse_date(value)
    END;

CREATE OR REPLACE TEMP MACRO local_day(instant) AS
    ((instant AT TIME ZONE 'UTC') AT TIME ZONE getvariable('timezone'))::DATE;

-- Marks have at most four decimals; more are the traces of binary fractions.
CREATE OR REPLACE TEMP MACRO parse_points(value) AS
    CASE WHEN isfinite(try_cast(value AS DOUBLE)) THEN round(try_cast(value AS DOUBLE), 4) END;

-- 'Pass/Fail', 'PassFail' and 'pass_fail' are one type.
CREATE OR REPLACE TEMP MACRO parse_item_type(value) AS
    nullif(regexp_replace(lower(value), '[^a-z]', '', 'g'), '');

CREATE OR REPLACE TEMP MACRO plain_text(value) AS
    clean(
        replace(replace(replace(replace(replace(
            regexp_replace(
                regexp_replace(value, '<(br|/p|/div|/li)\b[^>]*>', chr(10), 'gi'), '</?[a-zA-Z][^>]*>', '', 'g'
            ),
            '&nbsp;', ' '
        ), '&lt;', '<'), '&gt;', '>'), '&quot;', '"'), '&amp;', '&')
    );

CREATE OR REPLACE TEMP MACRO is_whole(value) AS
    value = trunc(value);

-- RFC 4122, version 5: the id of a name is the same in every run.
CREATE OR REPLACE TEMP MACRO uuid_from_digest(digest) AS
    left(digest, 8) || '-' || digest[9:12] || '-5' || digest[14:16] || '-'
    || substr('89ab', (instr('0123456789abcdef', digest[17:17]) - 1) % 4 + 1, 1) || digest[18:20] || '-' || digest[21:32];
CREATE OR REPLACE TEMP MACRO uuid5(namespace, name) AS
    uuid_from_digest(sha1(from_hex(replace(namespace, '-', '')) || encode(name)));

-- A reference is an object with an id in it, or the id alone.
CREATE OR REPLACE TEMP MACRO reference_id(reference) AS
    coalesce(reference ->> 'sourcedId', CASE WHEN json_type(reference) = 'VARCHAR' THEN reference ->> '$' END);

-- One way to write a number, so that 8, 8.0 and "8.00" are the same.
CREATE OR REPLACE TEMP MACRO number_text(value) AS
    round(try_cast(value AS DOUBLE), 4)::VARCHAR;

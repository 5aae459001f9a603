SELECT mapping.sourced_id
FROM sync.mappings AS mapping
SEMI JOIN roster.classes AS class
    ON
        mapping.source_id = class.source_id
        AND mapping.sourced_id = class.sourced_id
        AND class.school_year = getvariable('school_year')
        AND class.status = 'active'
ANTI JOIN grades.sis_categories AS listed
    ON
        mapping.source_id = listed.source_id
        AND mapping.sourced_id = listed.class_sourced_id
        AND listed.school_year = getvariable('school_year')
WHERE mapping.source_id = getvariable('source_id') AND mapping.kind = 'course_offering'
ORDER BY mapping.sourced_id

"""A source's settings as DuckDB variables, temporary tables and macros, so that SQL files can use them."""

import json
import re

from roster_pipeline.settings import Source
from roster_pipeline.settings.mapping import Naming, RoleRules
from roster_pipeline.warehouse.connection import Session
from roster_pipeline.warehouse.literal import literal

#: OneRoster's session types as kinds of org unit.
SESSION_KINDS = {
    "schoolYear": "school_year",
    "semester": "semester",
    "term": "term",
    "gradingPeriod": "grading_period",
}


def apply_settings(session: Session, settings: Source) -> None:
    """Make `settings` visible to the SQL of `session`."""
    session.run_file("macros")
    _roles(session, settings)
    _types(session, settings)
    _variables(session, settings)
    for kind in ("template", "offering", "section"):
        _naming_macros(session, kind, getattr(settings.mapping, kind))
    _section_number_macro(session, settings.mapping.section_number)


def _roles(session: Session, settings: Source) -> None:
    session.connection.execute(
        "CREATE OR REPLACE TEMP TABLE role_rules (sis_role VARCHAR, brightspace_role VARCHAR, "
        "org_defined_id VARCHAR[], at_school BOOLEAN, at_district BOOLEAN, at_schools_below BOOLEAN, "
        "is_guardian BOOLEAN)"
    )
    for sis_role, brightspace_role in settings.people.roles.items():
        rules = settings.mapping.roles.get(sis_role, RoleRules())
        session.connection.execute(
            "INSERT INTO role_rules VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                sis_role,
                brightspace_role,
                rules.org_defined_id,
                "school" in rules.enroll_in,
                "district" in rules.enroll_in,
                "schools_below" in rules.enroll_in,
                rules.is_guardian,
            ],
        )


def _types(session: Session, settings: Source) -> None:
    session.connection.execute(
        "CREATE OR REPLACE TEMP TABLE org_unit_types (sis_type VARCHAR, kind VARCHAR, org_unit_type VARCHAR)"
    )
    rows: list[tuple[str, str, str]] = [
        (sis_type, sis_type, name) for sis_type, name in settings.courses.org_types.items()
    ]
    rows += [(sis_type, SESSION_KINDS[sis_type], name) for sis_type, name in settings.courses.session_types.items()]
    rows += [(group, group, name) for group, name in settings.courses.group_types.items()]
    session.connection.executemany("INSERT INTO org_unit_types VALUES (?, ?, ?)", rows)


def _variables(session: Session, settings: Source) -> None:
    overwrite = settings.overwrite
    dates = settings.courses.dates
    session.set_variables(
        org_code=settings.mapping.org_code,
        school_parent=settings.mapping.school_parent,
        unique_codes=settings.delivery.unique_codes,
        standard_csv=settings.delivery.route != "api",
        dates_inherit=dates.inherit,
        dates_metadata_start=_json_path(dates.metadata_start),
        dates_metadata_end=_json_path(dates.metadata_end),
        dates_session_type=dates.session_type,
        start_offset_days=dates.start_offset_days,
        end_offset_days=dates.end_offset_days,
        new_users_active=settings.people.default_status == "active",
        new_offerings_active=settings.courses.default_status == "active",
        on_delete=settings.courses.on_delete,
        link_users=settings.people.link_existing,
        link_users_by=settings.people.identify_by,
        link_sections=settings.courses.link_existing.sections,
        link_offerings=settings.courses.link_existing.offerings,
        link_templates=settings.courses.link_existing.templates,
        link_departments=settings.org_units.link_existing.departments,
        link_semesters=settings.org_units.link_existing.semesters,
        link_other_org_units=settings.org_units.link_existing.others,
        content_copy=settings.courses.content_copy.enabled,
        content_copy_from=settings.courses.content_copy.source,
        unenroll_after_end_date=settings.courses.unenroll.after_end_date,
        unenroll_when_org_left=settings.courses.unenroll.when_org_left,
        overwrite_username=overwrite.people.username,
        overwrite_org_defined_id=overwrite.people.org_defined_id,
        overwrite_first_name=overwrite.people.first_name,
        overwrite_last_name=overwrite.people.last_name,
        overwrite_email=overwrite.people.email,
        overwrite_system_role=overwrite.people.system_role,
        overwrite_user_status=overwrite.people.status,
        overwrite_role_in_course=overwrite.enrollments.role_in_course,
        overwrite_role_in_upper_org_units=overwrite.enrollments.role_in_upper_org_units,
        overwrite_course_code=overwrite.courses.code,
        overwrite_course_name=overwrite.courses.name,
        overwrite_section_name=overwrite.courses.section_name,
        overwrite_course_status=overwrite.courses.status,
        overwrite_course_dates=overwrite.courses.dates,
        overwrite_semester_name=overwrite.org_units.semester_name,
        overwrite_department_name=overwrite.org_units.department_name,
        overwrite_org_unit_name=overwrite.org_units.org_unit_name,
    )


def _naming_macros(session: Session, kind: str, naming: Naming) -> None:
    """`<kind>_name(fields)` and `<kind>_code(fields, name)`: the first pattern whose fields all have a value.

    `fields` is a struct with a member for each pattern field, dots written as underscores.
    """
    for part, patterns in (("name", naming.name), ("code", naming.code)):
        expressions = ", ".join(_pattern_expression(pattern) for pattern in patterns)
        arguments = "fields" if part == "name" else "fields, unit_name"
        session.connection.execute(
            f"CREATE OR REPLACE TEMP MACRO {kind}_{part}({arguments}) AS coalesce({expressions})"
        )
        # What is left of the preferred pattern where a part of it is missing.
        remains = _pattern_expression(patterns[0], missing_as_empty=True)
        session.connection.execute(
            f"CREATE OR REPLACE TEMP MACRO {kind}_{part}_remains({arguments}) AS nullif(trim({remains}, ' -_/'), '')"
        )


def _pattern_expression(pattern: str, *, missing_as_empty: bool = False) -> str:
    parts: list[str] = []
    for index, text in enumerate(re.split(r"\{([^{}]*)\}", pattern)):
        if index % 2:
            field = "unit_name" if text == "name" else f"fields.{text.replace('.', '_')}"
            parts.append(f"coalesce({field}, '')" if missing_as_empty else field)
        elif text:
            parts.append(literal(text))
    return f"({' || '.join(parts) or literal('')})"


def _section_number_macro(session: Session, source: str) -> None:
    """`section_number(class_code, class_title, metadata)`: the class's number inside its course, or NULL."""
    kind, _, argument = source.partition(":")
    expression = {
        "class_code": "class_code",
        # A section number is the last part of the code, as in CPLI1/001.
        "class_code_last_segment": r"regexp_extract(class_code, '([^-/. ]+)$', 1)",
        "class_title_regex": f"regexp_extract(class_title, {literal(argument)}, 1)",
        "metadata": f"json_extract_string(metadata, {literal(_json_path(argument) or '')})",
    }[kind]
    session.connection.execute(
        f"CREATE OR REPLACE TEMP MACRO section_number(class_code, class_title, metadata) AS nullif({expression}, '')"
    )


def _json_path(key: str | None) -> str | None:
    return None if key is None else f"$.{json.dumps(key)}"

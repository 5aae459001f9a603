"""Holds the sandbox's tenant against the warehouse: does Brightspace hold what it should?"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from roster_pipeline.sandbox.brightspace.objects import ORGANIZATION
from roster_pipeline.sandbox.brightspace_tenant import Tenant
from roster_pipeline.warehouse.connection import Session

#: Differences of one entity that are told one by one.
TOLD = 5


@dataclass(frozen=True)
class Comparison:
    """One entity, compared."""

    entity: str
    rows: int
    """Rows that both sides hold alike."""
    missing: list[str]
    """Keys that Brightspace lacks, or holds otherwise."""
    extra: list[str]
    """Keys that Brightspace holds and should not."""

    @property
    def is_equal(self) -> bool:
        return not self.missing and not self.extra

    def __str__(self) -> str:
        if self.is_equal:
            return f"{self.entity}: {self.rows:,} rows, equal"
        told = [f"missing {key}" for key in self.missing[:TOLD]] + [f"extra {key}" for key in self.extra[:TOLD]]
        return f"{self.entity}: {len(self.missing)} missing, {len(self.extra)} extra ({'; '.join(told)})"


def compare(session: Session, tenant: Tenant) -> list[Comparison]:
    """Compare the hierarchy of the session's source and school year with what the tenant holds.

    Org units are told apart by code, people by org-defined id. What the settings leave standing, such as the account
    of somebody who left, inactive, or the enrollment at a former school, is not extra: it is in `sync.mappings`.
    """
    with tenant.lock:
        return [side(session, tenant) for side in (_org_units, _users, _relationships, _enrollments)]


def _org_units(session: Session, tenant: Tenant) -> Comparison:
    wanted = {
        (code, name, type_.lower(), active, tuple(sorted(parents)))
        for code, name, type_, active, parents in session.execute(
            """
            SELECT
                mapping.code,
                unit.name,
                unit.org_unit_type,
                unit.kind <> 'course_offering' OR (mapping.fields ->> 'is_active')::BOOLEAN,
                list(coalesce(parent.code, '')) AS parents
            FROM brightspace.org_units AS unit
            INNER JOIN sync.mappings AS mapping
                ON
                    unit.source_id = mapping.source_id
                    AND unit.kind = mapping.kind
                    AND unit.sourced_id = mapping.sourced_id
            LEFT JOIN brightspace.org_unit_parents AS link
                ON
                    unit.source_id = link.source_id
                    AND unit.school_year = link.school_year
                    AND unit.org_unit_key = link.org_unit_key
            LEFT JOIN sync.mappings AS parent
                ON
                    link.source_id = parent.source_id
                    AND link.parent_key = parent.kind || ':' || parent.sourced_id
            WHERE unit.source_id = getvariable('source_id') AND unit.school_year = getvariable('school_year')
            GROUP BY ALL
            """
        )
    }
    unmapped = session.value(
        """
        SELECT count(*)
        FROM brightspace.org_units AS unit
        ANTI JOIN sync.mappings AS mapping
            ON
                unit.source_id = mapping.source_id
                AND unit.kind = mapping.kind
                AND unit.sourced_id = mapping.sourced_id
        WHERE
            unit.source_id = getvariable('source_id')
            AND unit.school_year = getvariable('school_year')
            AND unit.kind <> 'organization'
        """
    )
    codes = {unit.id: "" if unit.type.name == ORGANIZATION else unit.code for unit in tenant.tree.visible()}
    held = {
        (
            unit.code,
            unit.name,
            unit.type.name.lower(),
            unit.is_active,
            tuple(sorted(codes[parent] for parent in unit.parents)),
        )
        for unit in tenant.tree.visible()
        if unit.type.name != ORGANIZATION
    }
    managed = {code for (code,) in session.execute("SELECT code FROM sync.mappings WHERE code IS NOT NULL")}
    extra = [row[0] for row in held - wanted if row[0] not in managed]
    missing = [row[0] for row in wanted - held] + ["a unit that is not managed"] * int(unmapped)
    return Comparison("org units", len(wanted & held), sorted(missing), sorted(extra))


def _users(session: Session, tenant: Tenant) -> Comparison:
    columns = "username, org_defined_id, first_name, last_name, email, is_active"
    wanted = set(
        session.execute(
            f"SELECT {columns} FROM brightspace.users "
            "WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year')"
        )
    )
    # Service users and whoever else was made by hand have no org-defined id.
    held = {
        (user.username, user.org_defined_id, user.first_name, user.last_name, user.email, user.is_active)
        for user in tenant.directory.users.values()
        if user.org_defined_id
    }
    managed = {code for (code,) in session.execute("SELECT code FROM sync.mappings WHERE kind = 'user'")}
    return _compared("users", wanted, held, lambda row: row[1] in managed, 1)


def _relationships(session: Session, tenant: Tenant) -> Comparison:
    wanted = set(
        session.execute(
            """
            SELECT guardian.org_defined_id, student.org_defined_id
            FROM brightspace.relationships AS link
            INNER JOIN brightspace.users AS guardian
                ON
                    link.source_id = guardian.source_id
                    AND link.school_year = guardian.school_year
                    AND link.guardian_sourced_id = guardian.sourced_id
            INNER JOIN brightspace.users AS student
                ON
                    link.source_id = student.source_id
                    AND link.school_year = student.school_year
                    AND link.student_sourced_id = student.sourced_id
            WHERE link.source_id = getvariable('source_id') AND link.school_year = getvariable('school_year')
            """
        )
    )
    ids = {user.id: user.org_defined_id for user in tenant.directory.users.values()}
    held = {(ids[auditor], ids[auditee]) for auditor in ids for auditee in tenant.auditees(auditor)}
    managed = set(
        session.execute(
            """
            SELECT guardian.code, student.code
            FROM sync.mappings AS link
            INNER JOIN sync.mappings AS guardian
                ON guardian.kind = 'user' AND (link.fields ->> 'guardian_sourced_id') = guardian.sourced_id
            INNER JOIN sync.mappings AS student
                ON student.kind = 'user' AND (link.fields ->> 'student_sourced_id') = student.sourced_id
            WHERE link.kind = 'relationship' AND link.source_id = getvariable('source_id')
            """
        )
    )
    return _compared("relationships", wanted, held, managed.__contains__, 1)


def _enrollments(session: Session, tenant: Tenant) -> Comparison:
    codes = """
        SELECT person.code, unit.code, {role}
        FROM {table} AS enrollment
        INNER JOIN sync.mappings AS person ON person.kind = 'user' AND {user} = person.sourced_id
        INNER JOIN sync.mappings AS unit ON {unit} = unit.kind || ':' || unit.sourced_id
        WHERE enrollment.source_id = getvariable('source_id') AND {condition}
    """
    wanted = set(
        session.execute(
            codes.format(
                table="brightspace.enrollments",
                role="enrollment.role",
                user="enrollment.user_sourced_id",
                unit="enrollment.org_unit_key",
                condition="enrollment.school_year = getvariable('school_year')",
            )
        )
    )
    managed = set(
        session.execute(
            codes.format(
                table="sync.mappings",
                role="(enrollment.fields ->> 'role')",
                user="(enrollment.fields ->> 'user_sourced_id')",
                unit="(enrollment.fields ->> 'org_unit_key')",
                condition="enrollment.kind = 'enrollment'",
            )
        )
    )
    ids = {user.id: user.org_defined_id for user in tenant.directory.users.values()}
    held = {
        (ids[enrollment.user_id], unit.code, enrollment.role.name)
        for unit in tenant.tree.visible()
        if unit.type.name != ORGANIZATION
        for enrollment in tenant.enrollments_in(unit.id)
        if enrollment.user_id in ids
    }
    return _compared("enrollments", wanted, held, managed.__contains__, 1)


def _compared(entity: str, wanted: set[Any], held: set[Any], is_managed: Callable[[Any], bool], key: int) -> Comparison:
    return Comparison(
        entity,
        len(wanted & held),
        _keys((row for row in wanted - held), key),
        _keys((row for row in held - wanted if not is_managed(row)), key),
    )


def _keys(rows: Iterable[tuple[Any, ...]], key: int) -> list[str]:
    return sorted(str(row[key]) for row in rows)

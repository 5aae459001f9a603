"""Brightspace Data Sets: full and differential extracts of the tenant, each a zip with one CSV.

Columns and behaviour as on D2L's Data Hub pages: UTF-8 with BOM, differentials hold new and changed rows and never
deletions, a full replaces the one before.
"""

import csv
import io
import uuid
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from roster_pipeline.brightspace.limits import SCORE_COMMENT_LENGTH
from roster_pipeline.sandbox.brightspace.answers import utc_text
from roster_pipeline.sandbox.brightspace.gradebook import CATEGORY_TYPE, GRADE_TYPES
from roster_pipeline.sandbox.brightspace_tenant import Tenant

Kind = Literal["Full", "Differential"]
Row = tuple[Any, ...]


@dataclass(frozen=True)
class DataSet:
    """One data set. `key` is the number of leading columns that identify a row."""

    name: str
    columns: tuple[str, ...]
    key: int
    rows: Callable[[Tenant], Iterable[Row]]

    @property
    def schema_id(self) -> str:
        return self.id("schema")

    def id(self, what: str) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.name}/{what}"))


@dataclass(frozen=True)
class Extract:
    data_set: DataSet
    kind: Kind
    created: datetime
    content: bytes


@dataclass
class DataSets:
    """What the Data Hub of a tenant offers; empty until `publish` was called."""

    tenant: Tenant
    sets: tuple[DataSet, ...] = ()
    extracts: list[Extract] = field(default_factory=list[Extract])
    _before: dict[str, dict[Row, Row]] = field(default_factory=dict[str, dict[Row, Row]])

    def __post_init__(self) -> None:
        self.sets = self.sets or data_sets()

    def publish(self, kinds: Iterable[Kind] = ("Full", "Differential")) -> None:
        """Produce extracts of every set, as the platform does by night. The first differentials hold everything."""
        with self.tenant.lock:
            now = self.tenant.clock()
            for data_set in self.sets:
                rows = {row[: data_set.key]: row for row in data_set.rows(self.tenant)}
                before = self._before.get(data_set.name, {})
                changed = [row for key, row in rows.items() if before.get(key) != row]
                for kind in kinds:
                    content = _zip(data_set, rows.values() if kind == "Full" else changed)
                    self.extracts.append(Extract(data_set, kind, now, content))
                self._before[data_set.name] = rows


def data_sets(*, with_exemptions: bool = True) -> tuple[DataSet, ...]:
    """The sets in one of two schemas: Grade Results tells exemptions, or, as lately, what is deleted."""
    result_columns: tuple[str, ...] = (
        "GradeObjectId", "OrgUnitId", "UserId", "PointsNumerator", "PointsDenominator", "WeightedNumerator",
        "WeightedDenominator", "IsReleased", "IsDropped", "LastModified", "LastModifiedBy", "Comments",
        "PrivateComments", "IsExempt", "GradeText", "GradeReleasedDate", "Version",
    )  # fmt: skip
    results = _results
    if not with_exemptions:
        place = result_columns.index("IsExempt")
        result_columns = (*result_columns[:place], *result_columns[place + 1 :], "IsDeleted")

        def results(tenant: Tenant) -> Iterator[Row]:
            return ((*row[:place], *row[place + 1 :], False) for row in _results(tenant))

    return (
        DataSet(
            "Users",
            ("UserId", "UserName", "OrgDefinedId", "FirstName", "MiddleName", "LastName", "IsActive", "Organization",
             "ExternalEmail", "SignupDate", "FirstLoginDate", "Version", "OrgRoleId", "LastAccessed"),
            1,
            _users,
        ),
        DataSet(
            "Organizational Units",
            ("OrgUnitId", "Organization", "Type", "Name", "Code", "StartDate", "EndDate", "IsActive", "CreatedDate",
             "IsDeleted", "DeletedDate", "RecycledDate", "Version", "OrgUnitTypeId"),
            1,
            _org_units,
        ),
        DataSet(
            "Organizational Unit Parents",
            ("OrgUnitId", "ParentOrgUnitId", "RowVersion", "DateDeleted"),
            2,
            _parents,
        ),
        DataSet(
            "User Enrollments",
            ("OrgUnitId", "UserId", "RoleName", "EnrollmentDate", "EnrollmentType", "RoleId"),
            2,
            _enrollments,
        ),
        DataSet(
            "Grade Objects",
            ("GradeObjectId", "OrgUnitId", "ParentGradeObjectId", "Name", "TypeName", "StartDate", "EndDate",
             "IsAutoPointed", "IsFormula", "IsBonus", "MaxPoints", "CanExceedMaxGrade", "ExcludeFromFinalGradeCalc",
             "GradeSchemeId", "Weight", "NumLowestGradesToDrop", "NumHighestGradesToDrop", "WeightDistributionType",
             "CreatedDate", "ToolName", "AssociatedToolItemId", "LastModified", "ShortName", "GradeObjectTypeId",
             "SortOrder", "IsDeleted", "DeletedDate", "DeletedByUserId", "ResultId"),
            1,
            _grade_objects,
        ),
        DataSet("Grade Results", result_columns, 3, results),
    )  # fmt: skip


def _users(tenant: Tenant) -> Iterator[Row]:
    for user in tenant.directory.users.values():
        role = tenant.enrollment(user.id, tenant.tree.root_id).role
        yield (
            user.id, user.username, user.org_defined_id, user.first_name, user.middle_name, user.last_name,
            user.is_active, "Sandbox Organization", user.email, utc_text(user.created), None, None, role.id,
            utc_text(user.created),
        )  # fmt: skip


def _org_units(tenant: Tenant) -> Iterator[Row]:
    for unit in tenant.tree.org_units.values():
        recycled = utc_text(unit.recycled)
        yield (
            unit.id, "SYSTEM" if recycled else "Sandbox Organization", unit.type.name, unit.name, unit.code,
            utc_text(unit.start_date), utc_text(unit.end_date), unit.is_active, utc_text(unit.created),
            bool(recycled), None, recycled, None, unit.type.id,
        )  # fmt: skip


def _parents(tenant: Tenant) -> Iterator[Row]:
    for unit in tenant.tree.org_units.values():
        for parent in unit.parents:
            yield unit.id, parent, None, None


def _enrollments(tenant: Tenant) -> Iterator[Row]:
    for unit in tenant.tree.visible():
        for each in tenant.enrollments_in(unit.id):
            kind = "Cascading" if each.is_cascading else "Direct"
            yield unit.id, each.user_id, each.role.name, utc_text(each.enrolled), kind, each.role.id


def _grade_objects(tenant: Tenant) -> Iterator[Row]:
    for book in tenant.gradebooks.values():
        for category in book.categories.values():
            yield (
                category.id, book.offering_id, None, category.name, "Category", None, None, False, False,
                False, _decimal(0), False, False, None, None, 0, 0, None,
                utc_text(category.created), None, None, utc_text(category.last_modified), None, CATEGORY_TYPE, 0,
                bool(category.deleted), utc_text(category.deleted), None, None,
            )  # fmt: skip
        for item in book.items.values():
            activity = book.activity_of(item.id)
            yield (
                item.id, book.offering_id, item.category_id, item.name, item.grade_type, utc_text(item.start_date),
                utc_text(item.end_date), False, item.grade_type == "Formula", item.is_bonus,
                _decimal(item.max_points), item.can_exceed, item.exclude_from_final, None, None, 0, 0,
                None, utc_text(item.created), activity.tool if activity else None, activity.id if activity else None,
                utc_text(item.last_modified), None, GRADE_TYPES[item.grade_type], 0, bool(item.deleted),
                utc_text(item.deleted), None, None,
            )  # fmt: skip


def _results(tenant: Tenant) -> Iterator[Row]:
    for book in tenant.gradebooks.values():
        for (item_id, user_id), score in book.scores.items():
            modified = utc_text(score.last_modified)
            yield (
                item_id, book.offering_id, user_id, _decimal(score.points), _decimal(book.items[item_id].max_points),
                None, None, True, False, modified, None, score.comment[:SCORE_COMMENT_LENGTH] or None,
                None, (item_id, user_id) in book.exemptions, score.text or None, modified, None,
            )  # fmt: skip


def _zip(data_set: DataSet, rows: Iterable[Row]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(data_set.columns)
    # Truth values come out as the data sets have them: True and False.
    writer.writerows(rows)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{data_set.name.replace(' ', '')}.csv", text.getvalue().encode("utf-8-sig"))
    return packed.getvalue()


def _decimal(value: float | None) -> str | None:
    return None if value is None else f"{value:.9f}"

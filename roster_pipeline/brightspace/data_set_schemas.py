"""The Brightspace Data Sets that we read, and those of their columns that we need.

Columns are matched by name, because D2L appends new ones and may leave old ones out. Source: D2L's Data Hub pages.
"""

import re
from dataclasses import dataclass
from typing import Literal

ColumnType = Literal["id", "text", "flag", "time", "number"]

#: Unquoted words that some writers use for no value; never applied to text, as somebody may be called None.
_NO_VALUE = "('NULL', 'NA', 'NONE')"

_SQL: dict[ColumnType, str] = {
    "id": "try_cast({value} AS BIGINT)",
    "text": "{value}",
    "flag": "CASE lower({value}) WHEN 'true' THEN true WHEN '1' THEN true WHEN 't' THEN true "
    "WHEN 'false' THEN false WHEN '0' THEN false WHEN 'f' THEN false END",
    "time": "try_cast({value} AS TIMESTAMPTZ) AT TIME ZONE 'UTC'",
    "number": "try_cast({value} AS DECIMAL(19, 9))",
}
_DUCKDB_TYPES: dict[ColumnType, str] = {
    "id": "BIGINT",
    "text": "VARCHAR",
    "flag": "BOOLEAN",
    "time": "TIMESTAMP",
    "number": "DECIMAL(19, 9)",
}


@dataclass(frozen=True)
class Column:
    """One column: D2L's name, what it holds, and whether nothing goes without it."""

    source: str
    type: ColumnType
    required: bool = False

    @property
    def name(self) -> str:
        """Our name: `org_unit_id` for `OrgUnitId`."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", self.source).lower()

    def sql(self, *, present: bool) -> str:
        """An expression for the column; times are UTC."""
        quoted = f'"{self.source}"'
        if not present:
            return f"NULL::{_DUCKDB_TYPES[self.type]} AS {self.name}"
        value = quoted if self.type == "text" else f"CASE WHEN upper({quoted}) NOT IN {_NO_VALUE} THEN {quoted} END"
        return f"{_SQL[self.type].format(value=value)} AS {self.name}"


@dataclass(frozen=True)
class Schema:
    """One data set."""

    name: str
    key: tuple[str, ...]
    """Our names of the columns that identify a row."""
    columns: tuple[Column, ...]


USERS = Schema(
    "Users",
    ("user_id",),
    (
        Column("UserId", "id", required=True),
        Column("UserName", "text", required=True),
        Column("OrgDefinedId", "text", required=True),
        # Where somebody has chosen one, these are the preferred names.
        Column("FirstName", "text"),
        Column("LastName", "text"),
        Column("IsActive", "flag"),
        Column("ExternalEmail", "text"),
        Column("OrgRoleId", "id"),
        Column("Version", "id"),
    ),
)
ORG_UNITS = Schema(
    "Organizational Units",
    ("org_unit_id",),
    (
        Column("OrgUnitId", "id", required=True),
        Column("Type", "text", required=True),
        Column("Name", "text"),
        Column("Code", "text", required=True),
        Column("StartDate", "time"),
        Column("EndDate", "time"),
        Column("IsActive", "flag"),
        Column("IsDeleted", "flag"),
        Column("RecycledDate", "time"),
        Column("Version", "id"),
        Column("OrgUnitTypeId", "id"),
    ),
)
ORG_UNIT_PARENTS = Schema(
    "Organizational Unit Parents",
    ("org_unit_id", "parent_org_unit_id"),
    (
        Column("OrgUnitId", "id", required=True),
        Column("ParentOrgUnitId", "id", required=True),
        Column("RowVersion", "id"),
        # Set where the link was taken away.
        Column("DateDeleted", "time"),
    ),
)
ENROLLMENTS = Schema(
    "User Enrollments",
    ("org_unit_id", "user_id"),
    (
        Column("OrgUnitId", "id", required=True),
        Column("UserId", "id", required=True),
        Column("RoleName", "text"),
        Column("RoleId", "id", required=True),
        Column("EnrollmentDate", "time"),
        Column("EnrollmentType", "text"),
    ),
)
GRADE_OBJECTS = Schema(
    "Grade Objects",
    ("grade_object_id",),
    (
        Column("GradeObjectId", "id", required=True),
        Column("OrgUnitId", "id", required=True),
        # An item's category.
        Column("ParentGradeObjectId", "id", required=True),
        Column("Name", "text", required=True),
        Column("TypeName", "text"),
        # 9 is a category, the others are kinds of items.
        Column("GradeObjectTypeId", "id", required=True),
        Column("StartDate", "time"),
        Column("EndDate", "time"),
        Column("MaxPoints", "number", required=True),
        Column("ToolName", "text"),
        Column("AssociatedToolItemId", "id"),
        Column("CreatedDate", "time"),
        Column("LastModified", "time", required=True),
        Column("IsDeleted", "flag", required=True),
        Column("DeletedDate", "time"),
        Column("Version", "id"),
    ),
)
GRADE_RESULTS = Schema(
    "Grade Results",
    ("grade_object_id", "org_unit_id", "user_id"),
    (
        Column("GradeObjectId", "id", required=True),
        Column("OrgUnitId", "id", required=True),
        Column("UserId", "id", required=True),
        # NULL where a mark was taken back.
        Column("PointsNumerator", "number", required=True),
        Column("PointsDenominator", "number"),
        Column("IsReleased", "flag"),
        Column("LastModified", "time", required=True),
        Column("Comments", "text"),
        # Older schemas have the one, newer the other.
        Column("IsExempt", "flag"),
        Column("IsDeleted", "flag"),
        Column("Version", "id"),
    ),
)
SCHEMAS = (USERS, ORG_UNITS, ORG_UNIT_PARENTS, ENROLLMENTS, GRADE_OBJECTS, GRADE_RESULTS)

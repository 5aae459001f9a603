"""The warehouse's tables: names, columns, types and comments, read from `tables/*.yaml`."""

from dataclasses import dataclass
from functools import cache

from roster_pipeline.packaged import packaged_yaml
from roster_pipeline.warehouse.literal import literal

SCHEMAS = ("roster", "brightspace", "delta", "sync", "grades")
#: What tells one district's year from another in every table.
KEY_COLUMNS = ("source_id", "school_year")
#: Types of columns that hold text of any length.
TEXT_TYPES = ("VARCHAR", "VARCHAR[]", "JSON")

_SOURCE_ID = ("VARCHAR", "Source system: the name of its source file")
_SCHOOL_YEAR = ("VARCHAR", "School year, like 2026-2027")


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    comment: str


@dataclass(frozen=True)
class Table:
    """One table. Every one has `source_id`, and `school_year` unless it outlives the years."""

    schema: str
    name: str
    comment: str
    columns: tuple[Column, ...]

    @property
    def full_name(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def content(self) -> tuple[Column, ...]:
        """The columns that say something of a row beyond whose and of which year it is."""
        return tuple(column for column in self.columns if column.name not in KEY_COLUMNS)

    def create_statements(self) -> list[str]:
        """DDL with a comment on the table and on every column."""
        columns = ", ".join(f'"{column.name}" {column.type}' for column in self.columns)
        statements = [
            f"CREATE TABLE IF NOT EXISTS {self.full_name} ({columns})",
            f"COMMENT ON TABLE {self.full_name} IS {literal(self.comment)}",
        ]
        statements += [
            f'COMMENT ON COLUMN {self.full_name}."{column.name}" IS {literal(column.comment)}'
            for column in self.columns
        ]
        return statements


@cache
def tables() -> dict[str, Table]:
    """Every table of the warehouse by its full name, in the order of the data's flow."""
    found: dict[str, Table] = {}
    for schema in SCHEMAS:
        for name, description in packaged_yaml(f"warehouse/tables/{schema}.yaml").items():
            if "columns" not in description:
                continue  # an anchor that tables share
            keys = [Column("source_id", *_SOURCE_ID)]
            if description.get("by_school_year", True):
                keys.append(Column("school_year", *_SCHOOL_YEAR))
            columns = [Column(column, *rest) for column, rest in description["columns"].items()]
            table = Table(schema, name, description["comment"], (*keys, *columns))
            found[table.full_name] = table
    return found

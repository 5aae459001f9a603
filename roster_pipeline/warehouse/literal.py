"""Text inside SQL statements, where DuckDB takes no parameters: DDL, macros and the files of table functions."""

from pathlib import Path


def literal(value: str | Path) -> str:
    """`value` as a SQL string, between single quotes."""
    return "'" + str(value).replace("'", "''") + "'"

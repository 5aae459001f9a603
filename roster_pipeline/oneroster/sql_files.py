"""SQL statements of this package, one file each, with $names to fill in."""

from functools import cache
from importlib import resources
from pathlib import Path
from string import Template


def statement(name: str, **values: str | int | Path) -> str:
    """The statement in `sql/<name>.sql` with its names filled in; paths are quoted for a literal."""
    return _template(name).substitute(
        {key: escaped(str(value)) if isinstance(value, Path) else value for key, value in values.items()}
    )


def escaped(text: str) -> str:
    """`text` for use between single quotes."""
    return text.replace("'", "''")


@cache
def _template(name: str) -> Template:
    return Template(resources.files("roster_pipeline.oneroster").joinpath(f"sql/{name}.sql").read_text("utf-8"))

"""The pages of `docs/` that are made from the code: `python -m roster_pipeline.documentation docs`."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from roster_pipeline.issues import row_catalogue
from roster_pipeline.oneroster.findings import CATALOGUE as CONTAINER_FINDINGS
from roster_pipeline.settings.schema import source_schema
from roster_pipeline.settings.source import Source
from roster_pipeline.warehouse.catalogue import tables

_GENERATED = "<!-- Made from the code; change it there and run: python -m roster_pipeline.documentation docs -->\n\n"


def data_dictionary() -> str:
    """Every table and column of the warehouse."""
    lines = [
        "# Data dictionary\n",
        "`warehouse/roster.duckdb` holds these tables. Open it read-only, at any time and for as long as you like:",
        "it is replaced as a whole after each run, and an open session keeps the copy it opened.\n",
    ]
    schema = ""
    for table in tables().values():
        if table.schema != schema:
            schema = table.schema
            lines.append(f"\n## {schema}\n")
        lines += [
            f"\n### {table.full_name}\n",
            f"{table.comment}.\n",
            "| column | type | meaning |",
            "| --- | --- | --- |",
        ]
        lines += [f"| {column.name} | {column.type} | {_cell(column.comment)} |" for column in table.columns]
    return _GENERATED + "\n".join(lines) + "\n"


def issues() -> str:
    """Every issue code with its remedy."""
    lines = [
        "# Issues\n",
        "What `sync.issues` may say. An *error* means that the row, or a part of it, was not used; after a *warning*",
        "it was. A row that was not used is never taken for one that the SIS no longer has.\n",
        "## Rows\n",
        "| code | severity | message |",
        "| --- | --- | --- |",
    ]
    lines += [f"| `{code}` | {entry.severity} | {_cell(entry.message)} |" for code, entry in row_catalogue().items()]
    lines += ["\n## Packages and pages\n", "| code | severity | message | remedy |", "| --- | --- | --- | --- |"]
    lines += [
        f"| `{code}` | {finding.severity} | {_cell(finding.message)} | {_cell(finding.remedy)} |"
        for code, finding in CONTAINER_FINDINGS.items()
    ]
    return _GENERATED + "\n".join(lines) + "\n"


def settings() -> str:
    """Every key of a source file."""
    lines = [
        "# Settings of a source system\n",
        "One file a source system: `$ROSTER_HOME/sources/<source_id>.yaml`. Every key beside `name`, `profile` and",
        "`connection` has a default, from the profile or as below. Unknown keys are errors. Any text may be",
        "`${ENV_VAR}`; secrets must be.\n",
        "| key | values | default | meaning |",
        "| --- | --- | --- | --- |",
        *_keys(Source, "", None),
    ]
    return _GENERATED + "\n".join(lines) + "\n"


def schema() -> str:
    """The JSON schema of a source file."""
    return json.dumps(source_schema(), indent=2) + "\n"


PAGES: dict[str, Callable[[], str]] = {
    "data-dictionary.md": data_dictionary,
    "issues.md": issues,
    "settings.md": settings,
    "source.schema.json": schema,
}


def main(folder: Path) -> None:
    """Write every page into `folder`."""
    for name, page in PAGES.items():
        (folder / name).write_text(page(), "utf-8")


def _keys(model: type[BaseModel], prefix: str, preset: BaseModel | None) -> list[str]:
    """A row for each key of a section; `preset` is the section where its defaults are not its own."""
    lines: list[str] = []
    for name, field in model.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        default = getattr(preset, name) if preset else field.get_default(call_default_factory=True, validated_data={})
        sections = _sections(field.annotation)
        if sections:
            for section in sections:
                kind = section.model_fields.get("kind")
                if kind is not None:
                    lines.append(f"| `{key}.kind` | `{get_args(kind.annotation)[0]}` | | {_first_line(section)} |")
                else:
                    lines.append(f"| `{key}` | section | | {_first_line(section)} |")
                rows = _keys(section, f"{key}.", default if isinstance(default, section) else None)
                lines += [row for row in rows if not row.startswith(f"| `{key}.kind`")]
        else:
            lines.append(f"| `{key}` | {_values(field)} | {_default(default)} | {_cell(field.description or '')} |")
    return lines


def _sections(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if getattr(annotation, "__origin__", None) is dict:
        return []
    return [section for argument in get_args(annotation) for section in _sections(argument)]


def _values(field: FieldInfo) -> str:
    annotation = field.annotation
    if "SecretStr" in str(annotation):
        return "secret"
    if isinstance(annotation, type) and getattr(annotation, "__origin__", None) is None:
        return annotation.__name__
    options = [value for value in get_args(annotation) if isinstance(value, str)]
    if options:
        return ", ".join(f"`{option}`" for option in options)
    kinds: dict[Any, str] = {list: "list", dict: "mapping"}
    return kinds.get(getattr(annotation, "__origin__", annotation), "text")


def _default(value: Any) -> str:
    if value is PydanticUndefined:
        return "required"
    return f"`{json.dumps(value)}`" if value is not None else ""


def _first_line(section: type[BaseModel]) -> str:
    return (section.__doc__ or "").strip().splitlines()[0] if section.__doc__ else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

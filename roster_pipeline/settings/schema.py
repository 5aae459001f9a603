"""The JSON schema of a source file, for editors."""

from typing import Any

from roster_pipeline.settings.source import Source


def source_schema() -> dict[str, Any]:
    """The schema of what a person writes: only what has no default is required, secrets are `${NAME}`."""
    schema = Source.model_json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Source system"
    return schema

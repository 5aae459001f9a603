"""What every section of a source file has in common: strictness, and secrets from the environment."""

from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, SecretStr

LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class Section(BaseModel):
    """A part of the source file: unknown keys are errors, values never change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class EnvironmentText(str):
    """Text that came out of `${ENV_VAR}`; the only text a secret may be."""

    __slots__ = ()


def _from_environment(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return value
    if not isinstance(value, EnvironmentText):
        raise ValueError("a secret must not stand in the file; write ${NAME} and set that environment variable")
    return SecretStr(value)


def _safe_url(value: str) -> str:
    if value.startswith("${"):
        # Only where a missing variable was allowed to stay: definitions load without the environment.
        return value
    parts = urlsplit(value)
    if parts.scheme == "https" and parts.hostname:
        return value.rstrip("/")
    if parts.scheme == "http" and parts.hostname in LOOPBACK:
        return value.rstrip("/")
    raise ValueError("must be an https:// address (http:// is accepted on this machine's loopback only)")


Secret = Annotated[SecretStr, BeforeValidator(_from_environment)]
Url = Annotated[str, AfterValidator(_safe_url)]

"""The Brightspace tenant, for the API route and for reading gradebooks."""

from typing import Annotated, Literal

from pydantic import Field

from roster_pipeline.settings.base import Secret, Section, Url

TOKEN_URL = "https://auth.brightspace.com/core/connect/token"  # noqa: S105 - an address, not a secret


class RefreshToken(Section):
    """OAuth 2 with single-use refresh tokens; the first one comes from the environment."""

    kind: Literal["refresh_token"]
    token_url: Url = TOKEN_URL
    client_id: str = Field(min_length=1)
    client_secret: Secret
    refresh_token: Secret
    scopes: list[str] = Field(default=["core:*:*"])


class ClientAssertion(Section):
    """OAuth 2 client credentials with a signed assertion, for a service user."""

    kind: Literal["client_assertion"]
    token_url: Url = TOKEN_URL
    client_id: str = Field(min_length=1)
    key_id: str = Field(min_length=1)
    private_key: Secret = Field(description="The private key in PEM form")
    algorithm: Literal["RS256", "RS384", "RS512", "ES256", "ES384", "ES512"] = "RS256"
    scopes: list[str] = Field(default=["core:*:*"])


class Brightspace(Section):
    url: Url
    auth: Annotated[RefreshToken | ClientAssertion, Field(discriminator="kind")]
    lp_version: str = Field("1.49", pattern=r"^\d+\.\d+$", description="Oldest platform contract to speak")
    le_version: str = Field("1.82", pattern=r"^\d+\.\d+$", description="Oldest learning environment contract to speak")
    calls_per_minute: int = Field(3000, ge=1, le=5000)
    concurrency: int = Field(8, ge=1, le=16)
    timeout_seconds: float = Field(60, gt=0, le=600)

"""The Brightspace tenant, for the API route and for reading gradebooks."""

from typing import Annotated, Literal

from pydantic import Field

from roster_pipeline.settings.base import Secret, Section, Url

TOKEN_URL = "https://auth.brightspace.com/core/connect/token"  # noqa: S105 - an address, not a secret

#: What delivery, gradebooks and data sets need. `core:*:*` is for calls without a scope of their own: types,
#: templates, course copies, auditors, and the SIS settings of grade items.
SCOPES = [
    "core:*:*",
    *(f"organizations:organization:{verb}" for verb in ("create", "read", "update", "delete")),
    *(f"orgunits:course:{verb}" for verb in ("create", "read", "update")),
    "orgunits:coursetemplate:create",
    *(f"sections:section:{verb}" for verb in ("create", "read", "update")),
    "sections:enrollment:create",
    *(f"users:userdata:{verb}" for verb in ("create", "read", "update")),
    *(f"users:activation:{verb}" for verb in ("read", "update")),
    *(f"enrollment:orgunit:{verb}" for verb in ("create", "read", "delete")),
    "role:detail:read",
    *(f"grades:{what}:read" for what in ("gradeobjects", "gradecategories", "gradevalues")),
    "grades:gradecategories:write",
    "dropbox:folders:read",
    "quizzing:quizzes:read",
    "discussions:forums:readonly",
    "discussions:topics:readonly",
    "datasets:bds:read",
]


class RefreshToken(Section):
    """OAuth 2 with single-use refresh tokens; the first one comes from the environment."""

    kind: Literal["refresh_token"]
    token_url: Url = Field(TOKEN_URL, description="Where Brightspace gives tokens")
    client_id: str = Field(min_length=1, description="Of the application registered in Brightspace")
    client_secret: Secret = Field(description="Of the same application")
    refresh_token: Secret = Field(description="The first one; each later one is kept by the pipeline")
    scopes: list[str] = Field(default=SCOPES, min_length=1, description="At most those the application has")


class ClientAssertion(Section):
    """OAuth 2 client credentials with a signed assertion, for a service user."""

    kind: Literal["client_assertion"]
    token_url: Url = Field(TOKEN_URL, description="Where Brightspace gives tokens")
    client_id: str = Field(min_length=1, description="Of the application registered in Brightspace")
    key_id: str = Field(min_length=1, description="Of the public key registered in Brightspace")
    private_key: Secret = Field(description="The private key in PEM form")
    algorithm: Literal["RS256", "RS384", "RS512", "ES256", "ES384", "ES512"] = Field(
        "RS256", description="How the assertion is signed; it has to suit the key"
    )
    scopes: list[str] = Field(default=SCOPES, min_length=1, description="At most those the application has")


class Brightspace(Section):
    """The Brightspace tenant, for the API route, for gradebooks and for what it holds already."""

    url: Url = Field(description="The tenant's address: https://district.brightspace.com")
    auth: Annotated[RefreshToken | ClientAssertion, Field(discriminator="kind")]
    existing: Literal["files", "api", "data_sets"] = Field(
        "files",
        description="Where to look up what Brightspace holds already, for linking, content copies and roster drift: "
        "CSV files in the folder existing, the tenant's API, or its data sets",
    )
    lp_version: str = Field("1.49", pattern=r"^\d+\.\d+$", description="Oldest platform contract to speak")
    le_version: str = Field("1.82", pattern=r"^\d+\.\d+$", description="Oldest learning environment contract to speak")
    calls_per_minute: int = Field(3000, ge=1, le=5000, description="At most so many")
    concurrency: int = Field(8, ge=1, le=16, description="Calls under way at once")
    timeout_seconds: float = Field(60, gt=0, le=600, description="How long one answer may take")

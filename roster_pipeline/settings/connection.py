"""Where the SIS is and how to get in: OneRoster over REST, CSV over SFTP, or CSV in a folder."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from roster_pipeline.settings.base import Secret, Section, Url


class OAuth2(Section):
    """OAuth 2 client credentials."""

    kind: Literal["oauth2"]
    token_url: Url = Field(description="The SIS's authentication endpoint")
    client_id: str = Field(min_length=1, description="From the SIS, with the secret")
    client_secret: Secret = Field(description="From the SIS, with the id")
    credentials_in: Literal["header", "body"] = Field(
        "header", description="Client id and secret as HTTP Basic header, or as fields of the form"
    )
    scopes: list[str] = Field(
        default=["roster-core.readonly", "roster.readonly"],
        description="OneRoster scopes by short name, or whole scope URLs",
    )


class OAuth1(Section):
    """OAuth 1.0a, two-legged."""

    kind: Literal["oauth1"]
    client_id: str = Field(min_length=1, description="From the SIS, with the secret")
    client_secret: Secret = Field(description="From the SIS, with the id")
    signature_method: Literal["HMAC-SHA256", "HMAC-SHA1"] = Field(
        "HMAC-SHA256", description="HMAC-SHA1 only for a SIS that knows no better"
    )


class Rest(Section):
    """A OneRoster 1.1 REST service."""

    kind: Literal["rest"]
    endpoint_url: Url = Field(description="Up to and with the version: https://sis.example/ims/oneroster/v1p1")
    auth: Annotated[OAuth2 | OAuth1, Field(discriminator="kind")]
    page_size: int = Field(1000, ge=1, le=10_000, description="Rows asked for in one request")
    concurrency: int = Field(4, ge=1, le=32, description="Requests under way at once")
    timeout_seconds: float = Field(60, gt=0, le=600, description="How long one answer may take")


class Sftp(Section):
    """A folder of OneRoster CSV zips on an SFTP server."""

    kind: Literal["sftp"]
    host: str = Field(min_length=1, description="The server's name")
    port: int = Field(22, ge=1, le=65_535, description="The server's port")
    username: str = Field(min_length=1, description="Login at the server")
    password: Secret | None = Field(None, description="This, or a private key")
    private_key: Secret | None = Field(None, description="The private key itself, in OpenSSH or PEM form")
    host_key: str = Field(min_length=1, description="The server's public key, as in known_hosts: ssh-ed25519 AAAA…")
    path: str = Field(".", description="The folder on the server that holds the *.zip files")

    @model_validator(mode="after")
    def _one_credential(self) -> "Sftp":
        if (self.password is None) == (self.private_key is None):
            raise ValueError("give either password or private_key, one of the two")
        return self


class Folder(Section):
    """A folder of OneRoster CSV files, or one zip of them."""

    kind: Literal["folder"]
    path: str = Field(min_length=1, description="A folder or a zip; a relative path starts at ROSTER_HOME")


Connection = Annotated[Rest | Sftp | Folder, Field(discriminator="kind")]

"""How the delta reaches Brightspace, and what holds it back."""

from typing import Literal

from pydantic import Field

from roster_pipeline.settings.base import Section
from roster_pipeline.settings.connection import Sftp


class Delivery(Section):
    """How a delta gets to Brightspace."""

    route: Literal["outbox", "sftp", "api"] = Field(
        "outbox", description="A Standard CSV bundle in a folder, the same on Brightspace's SFTP site, or the API"
    )
    standard_csv_version: Literal["2.0", "2.1", "3.0"] = Field("3.0", description="Of the bundles")
    unique_codes: bool = Field(True, description="Unique codes of at most 50 characters, as the Standard CSV needs")
    sftp: Sftp | None = Field(None, description="Brightspace's SFTP site, for route sftp")
    wait_minutes: float = Field(
        30, ge=0, le=720, description="How long a bundle waits on the SFTP site for Brightspace to take an earlier one"
    )


class Safety(Section):
    """More than this, and a delta waits for a person."""

    max_removed_percent: float = Field(10, ge=0, le=100, description="Of what is managed of a kind, school by school")
    max_changed_percent: float = Field(50, ge=0, le=100, description="The same for changes")
    ignore_below: int = Field(20, ge=0, description="Fewer rows than this never hold a delta back")

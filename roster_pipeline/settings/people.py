"""Who becomes a Brightspace user, in which role and state."""

from typing import Literal

from pydantic import Field

from roster_pipeline.settings.base import Section

Role = Literal["administrator", "aide", "guardian", "parent", "proctor", "relative", "student", "teacher"]
Status = Literal["active", "inactive"]


class People(Section):
    """The People section of the settings page."""

    roles: dict[Role, str] = Field(
        default={"student": "Learner", "teacher": "Instructor"},
        description="SIS role to Brightspace role; users of a role that is not named are reported and not created",
    )
    default_status: Status = Field("active", description="State in which new users are created")
    link_existing: bool = Field(False, description="Link SIS users to accounts that Brightspace holds already")
    identify_by: Literal["org_defined_id", "username"] = Field("org_defined_id", description="Key of that link")

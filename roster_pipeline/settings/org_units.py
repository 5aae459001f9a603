"""Upper org units that were made outside the integration."""

from pydantic import Field

from roster_pipeline.settings.base import Section


class LinkOrgUnits(Section):
    """Which upper org units are linked to ones of the same code that Brightspace holds already."""

    departments: bool = Field(False, description="Orgs of the type department")
    semesters: bool = Field(False, description="Sessions of every type")
    others: bool = Field(False, description="Districts, schools and other orgs")


class OrgUnits(Section):
    """The Departments, Semesters, and Other Org Units section of the settings page."""

    link_existing: LinkOrgUnits = Field(default_factory=LinkOrgUnits, description="Match by org unit code")

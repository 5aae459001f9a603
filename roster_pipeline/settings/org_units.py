"""Upper org units that were made outside the integration."""

from pydantic import Field

from roster_pipeline.settings.base import Section


class LinkOrgUnits(Section):
    departments: bool = False
    semesters: bool = False
    others: bool = False


class OrgUnits(Section):
    """The Departments, Semesters, and Other Org Units section of the settings page."""

    link_existing: LinkOrgUnits = Field(default_factory=LinkOrgUnits, description="Match by org unit code")

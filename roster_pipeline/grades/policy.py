"""Which grades a SIS takes and how: one YAML file a policy, so that a vendor's difference is data."""

from functools import cache
from importlib import resources
from typing import Literal

import yaml

from roster_pipeline.settings.base import Section

PolicyName = Literal["skyward", "infinite_campus", "otus"]


class Policy(Section):
    """The rules of one way back. The SQL reads every field as the variable `policy_<field>`."""

    item_types: list[str] | None = None
    """Types of grade items that go; None where the gradebook has no types."""
    assessment_types: list[str] | None = None
    """Where a category is mapped from an assessment's type: the types there are, unless the district lists its own."""
    category: Literal["linked", "enabled", "mapped"]
    """What lets an item go: a category that came from the SIS, any enabled one, or one mapped from its type."""
    sends_category: bool
    resends_category: bool
    """Whether updates carry our category again, or the one that the SIS has by then."""
    cascades: bool
    """Whether a changed category sends its items again, and a changed item its scores."""
    deletes: Literal["sent", "kept_local"]
    exempt: Literal["sent", "withheld"]
    syncs_categories: bool
    """Whether the SIS has categories to take over into gradebooks."""
    zero_for_missing: bool = False
    """Whether work that is missing after its due date is sent as zero."""
    whole_numbers: bool = False
    longest_name: int | None = None
    only_in_final_grade: bool = False
    only_graded: bool = False
    only_teacher_group: bool = False
    only_open_grading_period: bool = False
    """Whether effective date and grading periods limit what goes."""
    refusals_until_given_up: int | None = None
    """Refusals of the same content after which it is no longer sent; None for never."""
    needs_connection_test: bool = False
    """Whether the nightly export waits for a connection test that passed."""
    needs_category_listing: bool = False
    """Whether the SIS's categories have to be listed before items are judged."""


@cache
def load_policy(name: PolicyName) -> Policy:
    """The policy of that name."""
    text = resources.files("roster_pipeline.grades").joinpath(f"policies/{name}.yaml").read_text("utf-8")
    return Policy.model_validate(yaml.safe_load(text))

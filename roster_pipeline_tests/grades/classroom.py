"""A Brightspace tenant that has taken the small district's roster in, and what a teacher does there."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from roster_pipeline.grades.export import ExportReport
from roster_pipeline.sandbox.brightspace.data_sets import DataSets, data_sets
from roster_pipeline.sandbox.brightspace.gradebook import Gradebook
from roster_pipeline.sandbox.brightspace_server import SandboxBrightspace
from roster_pipeline.sandbox.brightspace_tenant import Tenant
from roster_pipeline.sandbox.ipsis import Ipsis
from roster_pipeline_tests.grades.school import School
from roster_pipeline_tests.pipeline import SOURCE


class Classroom:
    """What a teacher does in the gradebook of class `lit`."""

    def __init__(self, school: School, brightspace: SandboxBrightspace) -> None:
        self.school = school
        self.brightspace = brightspace
        self._tenant = tenant = brightspace.tenant
        codes = {
            row["sourced_id"]: row["fields"]["delivery_code"]
            for row in school.pipeline.rows("sync.mappings", "kind IN ('course_offering', 'term')", None)
        }
        self._units = {unit.code: unit.id for unit in tenant.tree.visible()}
        self.fall = self._units[codes["fall"]]
        self.book: Gradebook = tenant.gradebook(self._units[codes["lit"]])
        self.homework = self.book.add_category("Homework", export_to_sis=True).id

    def export(self) -> ExportReport:
        """One export of what the gradebook holds now; data sets come out of it overnight."""
        self.brightspace.data_sets.publish()
        return self.school.export()

    def pupil(self, name: str) -> int:
        """The user id of a pupil."""
        return next(user.id for user in self._tenant.directory.users.values() if user.org_defined_id == f"id-{name}")


@contextmanager
def classroom_of(
    make_school: Callable[..., School], kind: str, environment: pytest.MonkeyPatch, **export: Any
) -> Iterator[Classroom]:
    """The classroom of a school that reads its gradebooks by `api`, `data_sets` or `newer_data_sets`."""
    tenant = Tenant()
    newer = DataSets(tenant, data_sets(with_exemptions=False))
    data_sets_ = newer if kind == "newer_data_sets" else None
    with SandboxBrightspace(tenant, page_size=2, data_sets=data_sets_) as brightspace:
        environment.setenv("BRIGHTSPACE_SECRET", brightspace.client_secret)
        environment.setenv("BRIGHTSPACE_TOKEN", brightspace.refresh_token)
        auth = {
            "kind": "refresh_token",
            "token_url": brightspace.token_url,
            "client_id": brightspace.client_id,
            "client_secret": "${BRIGHTSPACE_SECRET}",
            "refresh_token": "${BRIGHTSPACE_TOKEN}",
        }
        settings: dict[str, Any] = {"url": brightspace.url, "auth": auth}
        school = make_school(gradebook={"kind": kind.removeprefix("newer_")}, brightspace=settings, **export)
        for batch in Ipsis(tenant).process_folder(school.pipeline.home.outbox(SOURCE)):
            assert batch.errors == []
        yield Classroom(school, brightspace)

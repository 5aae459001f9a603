"""From a new source file to the first night with grades: licence, rights, and a connection test that passed."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from roster_pipeline.definitions import build_definitions
from roster_pipeline.grades.scope import ExportRefusedError
from roster_pipeline.oneroster.connection_test import CheckResult, check_connection
from roster_pipeline.oneroster.gradebook_client import gradebook_scopes
from roster_pipeline.sandbox.sis.faults.setup import CategoryOptional, LimitedScopes, Oauth1
from roster_pipeline.sandbox.sis.faults.transport import CollectionForbidden
from roster_pipeline.warehouse.tested import record_test
from roster_pipeline_tests.grades.school import School
from roster_pipeline_tests.grades.test_commands import DAY, roster
from roster_pipeline_tests.grades.test_otus import assess, otus
from roster_pipeline_tests.pipeline import SOURCE


@pytest.fixture
def school(school_with: Callable[..., School], monkeypatch: pytest.MonkeyPatch) -> School:
    """A school that is about to pass grades back from Otus every night, and has one that may go."""
    school = school_with(**otus(), daily=True)
    monkeypatch.setenv("ROSTER_HOME", str(school.pipeline.home.root))
    assess(school)
    school.teachers.write(school.pipeline.home.root / "gradebook")
    return school


def set_connection(school: School, **values: Any) -> None:
    """Change values of the source file's connection."""
    path = school.pipeline.home.sources / f"{SOURCE}.yaml"
    document = yaml.safe_load(path.read_text("utf-8"))
    auth = values.pop("auth", {})
    document["connection"] |= values
    document["connection"]["auth"] |= auth
    path.write_text(yaml.safe_dump(document), "utf-8")


def refusal(school: School) -> str | None:
    """Why a night exports nothing; None where it does."""
    school.teachers.write(school.pipeline.home.root / "gradebook")
    try:
        school.export()
    except ExportRefusedError as error:
        return error.code
    return None


@pytest.mark.rule("OT-031")
def test_the_night_passes_no_grade_before_the_connection_test_is_green(school: School) -> None:
    code, night = roster("sync", SOURCE, *DAY)
    assert code == 1
    assert f"roster check {SOURCE}" in night["error"]
    assert school.line_items == {}
    assert school.pipeline.row("grades.export_runs", "run_id = $run", run=night["run_id"])["status"] == "refused"

    locked = CollectionForbidden(resource="users")
    school.sis.switch_on(locked)
    assert roster("check", SOURCE)[0] == 1
    job = build_definitions(school.pipeline.home).resolve_job_def(f"{SOURCE}__connection_test")
    assert not job.execute_in_process(raise_on_error=False).success
    assert refusal(school) == "connection_not_tested"
    school.sis.switch_off(locked)
    code, check = roster("check", SOURCE)
    assert (code, check["steps"][-1]["step"]) == (0, "gradebook")
    code, night = roster("sync", SOURCE, *DAY)
    assert (code, night["grades"]["lines"]["result"]) == (0, {"sent": 1})
    tests = school.pipeline.rows("sync.connection_tests", school_year=None)
    assert {row["passed"] for row in tests} == {True, False}
    assert school.sis.client_secret not in repr(tests)


@pytest.mark.rule("OT-031")
@pytest.mark.parametrize(
    ("change", "needs_another"),
    [
        ({"auth": {"client_secret": "${OTHER_SECRET}"}}, True),
        ({"auth": {"client_id": "somebody"}}, True),
        ({"endpoint_url": "http://127.0.0.1:9/ims/oneroster/v1p1"}, True),
        ({"page_size": 7, "timeout_seconds": 5, "concurrency": 1}, False),
    ],
)
def test_a_test_counts_for_the_settings_it_tried(
    school: School, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], needs_another: bool
) -> None:
    monkeypatch.setenv("OTHER_SECRET", "another")
    school.pass_connection_test()
    assert refusal(school) is None
    set_connection(school, **change)
    assert (refusal(school) == "connection_not_tested") == needs_another


@pytest.mark.rule("OT-031")
def test_a_test_without_the_gradebook_does_not_count(school: School) -> None:
    with school.pipeline.warehouse.transaction(SOURCE, "") as session:
        record_test(session, school.pipeline.settings.connection, [], "before", passed=True, steps=[])
    assert refusal(school) == "connection_not_tested"


def test_where_the_policy_does_not_ask_for_it_no_test_is_needed(school: School) -> None:
    school.configure(policy="skyward")
    assert refusal(school) is None


@pytest.mark.rule("OT-012")
@pytest.mark.usefixtures("school")
def test_the_licence_is_confirmed_by_the_check(sis: Any) -> None:
    # A SIS without the module answers 404, and tells in OneRoster's words or in none.
    prefix, sis.service.prefix = sis.service.prefix, "/elsewhere"
    code, check = roster("check", SOURCE)
    assert (code, check["passed"]) == (1, False)
    failed = [step for step in check["steps"] if step["outcome"] == "failed"]
    assert len(failed) == 6
    assert all("licence" in step["detail"] for step in failed)
    assert {step["diagnosis"] for step in failed} == {"licence_or_credentials"}
    sis.service.prefix = prefix
    code, check = roster("check", SOURCE)
    assert (code, check["passed"]) == (0, True)


class TestGradebookStep:
    """What the connection test tells of the gradebook."""

    def check(self, school: School, *, deletes: bool = True) -> CheckResult:
        results = check_connection(
            school.pipeline.settings.connection,
            school.pipeline.home.root,
            grade_scopes=gradebook_scopes(deletes=deletes),
        )
        return results[-1]

    def test_a_token_that_only_reads_fails(self, school: School) -> None:
        school.sis.switch_on(LimitedScopes("roster-core.readonly roster.readonly gradebook.readonly"))
        result = self.check(school)
        assert (result.step, result.outcome, result.diagnosis) == ("gradebook", "failed", "licence_or_credentials")
        assert "good for gradebook.readonly only" in result.detail
        assert "grant these credentials gradebook.createput, gradebook.delete" in result.detail

    @pytest.mark.parametrize(("deletes", "outcome"), [(True, "warning"), (False, "passed")])
    def test_a_token_without_deletes_is_told_of_where_deletes_are_sent(
        self, school: School, deletes: bool, outcome: str
    ) -> None:
        offered = "roster-core.readonly roster.readonly gradebook.readonly gradebook.createput"
        school.sis.switch_on(LimitedScopes(offered))
        result = self.check(school, deletes=deletes)
        assert result.outcome == outcome
        assert ("gradebook.delete" in result.detail) == deletes
        school.sis.switch_on(CategoryOptional())
        school.configure(policy="skyward" if deletes else "infinite_campus")
        school.teachers.item("plain")
        assert school.export().counts == {"line_item": {"sent": 1}}, "writing goes on with what is granted"

    def test_signed_requests_need_no_token(self, school: School) -> None:
        school.sis.switch_on(Oauth1())
        path = school.pipeline.home.sources / f"{SOURCE}.yaml"
        document = yaml.safe_load(path.read_text("utf-8"))
        auth = {"kind": "oauth1", "client_id": school.sis.client_id, "client_secret": "${SIS_SECRET}"}
        document["connection"]["auth"] = auth
        path.write_text(yaml.safe_dump(document), "utf-8")
        assert self.check(school).outcome == "passed"

    def test_a_gradebook_that_is_switched_off_fails(self, school: School) -> None:
        school.sis.switch_on(CollectionForbidden(resource="lineItems"))
        assert (self.check(school).outcome, self.check(school).diagnosis) == ("failed", "licence_or_credentials")

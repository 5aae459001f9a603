"""The API route against the simulated tenant: what it holds afterwards, and that nothing is made twice."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from roster_pipeline.delivery.bundle_route import DeliveryError
from roster_pipeline.sandbox.brightspace.faults import LostAnswer, ServerErrors
from roster_pipeline.sandbox.brightspace_server import SandboxBrightspace
from roster_pipeline.sandbox.comparison import compare
from roster_pipeline_tests.pipeline import SOURCE, YEAR, Pipeline
from roster_pipeline_tests.roster_files import RosterFiles

ApiPipeline = Callable[..., Pipeline]


@pytest.fixture
def tenant() -> Iterator[SandboxBrightspace]:
    with SandboxBrightspace() as tenant:
        yield tenant


@pytest.fixture
def api_pipeline(tmp_path: Path, tenant: SandboxBrightspace, monkeypatch: pytest.MonkeyPatch) -> ApiPipeline:
    """Makes a pipeline that delivers over the tenant's API."""
    monkeypatch.setenv("BRIGHTSPACE_SECRET", tenant.client_secret)
    monkeypatch.setenv("BRIGHTSPACE_REFRESH_TOKEN", tenant.refresh_token)

    def make(**settings: Any) -> Pipeline:
        auth = {
            "kind": "refresh_token",
            "token_url": tenant.token_url,
            "client_id": tenant.client_id,
            "client_secret": "${BRIGHTSPACE_SECRET}",
            "refresh_token": "${BRIGHTSPACE_REFRESH_TOKEN}",
        }
        api = {"delivery": {"route": "api"}, "brightspace": {"url": tenant.url, "auth": auth}}
        return Pipeline(tmp_path / "home", {**api, **settings})

    return make


def _assert_equal(pipeline: Pipeline, tenant: SandboxBrightspace) -> None:
    with pipeline.warehouse.transaction(SOURCE, YEAR) as session:
        comparisons = compare(session, tenant.tenant)
    assert all(comparison.is_equal for comparison in comparisons), "\n".join(map(str, comparisons))
    assert all(comparison.rows for comparison in comparisons)


def _assert_nothing_twice(tenant: SandboxBrightspace) -> None:
    created = [
        (creation.kind, creation.key[:2] if creation.kind == "org_unit" else creation.key[:1])
        for creation in tenant.tenant.creations
        if creation.kind in {"org_unit", "user"}
    ]
    assert len(created) == len(set(created))


def _writes(tenant: SandboxBrightspace) -> int:
    return sum(request.method != "GET" and "/d2l/api/" in request.path for request in tenant.requests)


def test_the_tenant_holds_what_the_tables_say_night_after_night(
    api_pipeline: ApiPipeline, tenant: SandboxBrightspace, files: RosterFiles
) -> None:
    pipeline = api_pipeline(safety={"ignore_below": 1000})
    pipeline.night(files)
    _assert_equal(pipeline, tenant)

    files.change("users", "sue", familyName="Changed", email="changed@example.org")
    files.change("classes", "lit-1", classCode="CPLI1/009")
    files.change("users", "tina", enabledUser="false")
    files.remove("enrollments", "e-pat-lit-2")
    files.enroll("pat", "math-1")
    files.user("new", "student", ["oak"], agentSourcedIds=["gus"])
    files.enroll("new", "lit-2")
    files.change("users", "sam", agentSourcedIds=[])
    pipeline.night(files)
    _assert_equal(pipeline, tenant)
    _assert_nothing_twice(tenant)


@pytest.mark.parametrize("on_delete", ["nothing", "inactivate"])
def test_a_class_that_comes_back_after_its_deletion_is_the_one_it_was(
    api_pipeline: ApiPipeline, tenant: SandboxBrightspace, files: RosterFiles, on_delete: str
) -> None:
    pipeline = api_pipeline(safety={"ignore_below": 1000}, courses={"on_delete": on_delete})
    pipeline.night(files)
    before = {kind: pipeline.mappings(kind)["lit-1"]["brightspace_id"] for kind in ("course_offering", "section")}
    files.change("classes", "lit-1", status="tobedeleted")
    pipeline.night(files)
    assert "lit-1" not in pipeline.mappings("course_offering")
    files.change("classes", "lit-1", status="active")
    pipeline.night(files)
    after = {kind: pipeline.mappings(kind)["lit-1"]["brightspace_id"] for kind in ("course_offering", "section")}
    assert after == before
    _assert_equal(pipeline, tenant)
    _assert_nothing_twice(tenant)


def test_an_unchanged_night_writes_nothing(
    api_pipeline: ApiPipeline, tenant: SandboxBrightspace, files: RosterFiles
) -> None:
    pipeline = api_pipeline()
    pipeline.night(files)
    before = _writes(tenant)
    pipeline.night(files)
    assert _writes(tenant) == before


def test_every_managed_object_knows_its_id(
    api_pipeline: ApiPipeline, tenant: SandboxBrightspace, files: RosterFiles
) -> None:
    pipeline = api_pipeline()
    pipeline.night(files)
    for row in pipeline.mappings("section").values():
        assert tenant.tenant.tree.get(row["brightspace_id"]).code == row["code"]
    for row in pipeline.mappings("user").values():
        assert tenant.tenant.directory.get(row["brightspace_id"]).org_defined_id == row["code"]


def test_a_deleted_class_is_inactivated_and_no_longer_managed(
    api_pipeline: ApiPipeline, tenant: SandboxBrightspace, files: RosterFiles
) -> None:
    pipeline = api_pipeline(courses={"on_delete": "inactivate"}, safety={"ignore_below": 1000})
    pipeline.night(files)
    offering = pipeline.mappings("course_offering")["lit-2"]["brightspace_id"]
    files.change("classes", "lit-2", status="tobedeleted")
    pipeline.night(files)
    assert tenant.tenant.tree.get(offering).is_active is False
    assert "lit-2" not in pipeline.mappings("course_offering")
    assert tenant.tenant.enrollments_in(offering), "people keep their access to what they did"


def test_what_was_made_outside_is_taken_over_where_the_settings_say_so(
    api_pipeline: ApiPipeline, tenant: SandboxBrightspace, files: RosterFiles
) -> None:
    learner = tenant.tenant.role_named("Learner").id
    there = tenant.tenant.create_user("sue.old", "id-sue", "Sue", "There", learner)
    pipeline = api_pipeline(people={"link_existing": True})
    pipeline.night(files)
    assert pipeline.mappings("user")["sue"]["brightspace_id"] == there.id
    _assert_equal(pipeline, tenant)


@pytest.mark.rule("CF-070")
def test_a_code_that_repeats_on_either_side_is_linked_to_nothing(
    api_pipeline: ApiPipeline, tenant: SandboxBrightspace, files: RosterFiles
) -> None:
    files.class_("lit-3", "lit", "oak", ["fall"], "CPLI1/003")
    tree = tenant.tenant.tree
    model = tree.create_template("Models", "MODELS", [tree.root_id]).id
    by_hand = {code: tree.create_offering("By hand", code, model).id for code in ("001", "002", "003")}
    tree.create_offering("By hand", "003", model)
    pipeline = api_pipeline(
        delivery={"route": "api", "unique_codes": False}, courses={"link_existing": {"offerings": True}}
    )
    night = pipeline.night(files)
    # Two classes of the SIS have the code 001, two courses of Brightspace the code 003.
    assert pipeline.mappings("course_offering").keys() == {"lit-2"}
    assert pipeline.mappings("course_offering")["lit-2"]["brightspace_id"] == by_hand["002"]
    assert {tree.get(by_hand[code]).name for code in ("001", "003")} == {"By hand"}
    told = {
        row["sourced_id"]: row["message"]
        for row in pipeline.issues(night, "delivery.failed")
        if row["kind"] == "course_offering"
    }
    assert told.keys() == {"lit-1", "math-1", "lit-3"}
    assert "code 001" in told["lit-1"]
    assert "several objects of the SIS share it" in told["lit-1"]
    assert "2 units with it" in told["lit-3"]
    assert all("Make codes unique, or switch linking off" in message for message in told.values())


def test_an_interrupted_delivery_goes_on_where_it_stopped(
    api_pipeline: ApiPipeline, tenant: SandboxBrightspace, files: RosterFiles
) -> None:
    pipeline = api_pipeline()
    lost, down = LostAnswer(pattern="POST .*/users/$", times=2), ServerErrors(pattern="POST .*/enrollments/")
    with tenant.fault(lost), tenant.fault(down), pytest.raises(DeliveryError):
        pipeline.night(files)
    assert lost.hits
    assert down.hits
    pipeline.night(files)
    _assert_equal(pipeline, tenant)
    _assert_nothing_twice(tenant)
    assert {row["state"] for row in pipeline.rows("sync.deliveries")} == {"confirmed"}


def test_a_unit_that_was_made_anew_is_the_managed_one_from_then_on(
    api_pipeline: ApiPipeline, tenant: SandboxBrightspace, files: RosterFiles
) -> None:
    pipeline = api_pipeline()
    pipeline.night(files)
    lost = pipeline.mappings("section")["lit-2"]["brightspace_id"]
    tenant.tenant.tree.recycle(lost)
    tenant.tenant.delete_org_unit_for_good(lost)
    for number in ("008", "009"):
        files.change("classes", "lit-2", classCode=f"CPLI1/{number}")
        pipeline.night(files)
        section = pipeline.mappings("section")["lit-2"]
        assert section["brightspace_id"] != lost
        assert tenant.tenant.tree.get(section["brightspace_id"]).name.endswith(number)
    offering = tenant.tenant.tree.get(pipeline.mappings("course_offering")["lit-2"]["brightspace_id"])
    assert len(tenant.tenant.tree.children(offering.id)) == 1


def test_a_district_that_was_delivered_in_bundles_is_told_to_stay_with_them(
    api_pipeline: ApiPipeline, tenant: SandboxBrightspace, files: RosterFiles
) -> None:
    pipeline = api_pipeline(delivery={"route": "outbox"})
    pipeline.night(files)
    pipeline = api_pipeline()
    files.user("new", "student", ["oak"])
    with pytest.raises(DeliveryError, match=r"Put delivery\.route back"):
        pipeline.night(files)
    assert not _writes(tenant)

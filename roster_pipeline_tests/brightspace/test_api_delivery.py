import itertools
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests

from roster_pipeline.brightspace.api_delivery import ApiDelivery, Delivered, HopelessError, VisibilityError
from roster_pipeline.brightspace.changes import Change, Phase, phases
from roster_pipeline.brightspace.client import BrightspaceClient
from roster_pipeline.brightspace.courses import Courses
from roster_pipeline.brightspace.errors import UnavailableError
from roster_pipeline.brightspace.people import People
from roster_pipeline.sandbox.brightspace.faults import CutConnection, Fault, LostAnswer, Refusal, ServerErrors
from roster_pipeline.sandbox.brightspace_server import SandboxBrightspace
from roster_pipeline.sandbox.brightspace_tenant import Tenant

from .conftest import Connect
from .managed_roster import Killed, ManagedRoster, Unit, a_school, user

CHICAGO = ZoneInfo("America/Chicago")


def deliver(client: BrightspaceClient, roster: ManagedRoster, *, look_up_first: bool = True) -> Delivered:
    return ApiDelivery(client, roster, roster.confirm, CHICAGO, look_up_first=look_up_first).run()


def picture(tenant: Tenant) -> dict[str, Any]:
    """What a tenant holds, without ids and without the service user."""
    tree, users = tenant.tree, {id_: user.username for id_, user in tenant.directory.users.items()}
    own = {id_: name for id_, name in users.items() if name != "service.user"}

    def place(id_: int) -> tuple[Any, ...]:
        unit = tree.get(id_)
        return (unit.type.name, unit.code, unit.name, unit.is_active, str(unit.start_date), str(unit.end_date))

    units = [unit for unit in tree.visible() if unit.id != tree.root_id]
    return {
        "units": Counter(
            (place(unit.id), frozenset(place(each.id) for each in tree.parents(unit.id))) for unit in units
        ),
        "users": sorted(
            (user.username, user.org_defined_id, user.first_name, user.email, user.is_active)
            for user in tenant.directory.users.values()
            if user.id in own
        ),
        "enrollments": Counter(
            (own[id_], place(each.org_unit_id), each.role.name) for id_ in own for each in tenant.enrollments_of(id_)
        ),
        "auditors": {own[id_]: sorted(own[each] for each in tenant.auditors(id_)) for id_ in own},
    }


def creations(tenant: Tenant) -> Counter[str]:
    return Counter(creation.kind for creation in tenant.creations)


def writes(brightspace: SandboxBrightspace) -> list[str]:
    tokens = {"/core/connect/token"}
    return [f"{each.method} {each.path}" for each in brightspace.requests if each.method != "GET"
            and each.path not in tokens]  # fmt: skip


def test_phases_go_from_above_to_below_and_back() -> None:
    order = list(phases(2))
    places: dict[tuple[str, bool, int], int] = {
        (phase.entity, phase.is_removal, phase.depth): place for place, phase in enumerate(order)
    }
    assert len(places) == len(order)
    assert max(places[key] for key in places if not key[1]) < min(places[key] for key in places if key[1])
    for above, below in [("template", "offering"), ("offering", "section"), ("enrollment", "section_enrollment")]:
        assert places[above, False, 0] < places[below, False, 0]
        assert places[below, True, 0] < places[above, True, 0]
    assert places["upper_org_unit", False, 1] < places["upper_org_unit", False, 2]
    assert places["upper_org_unit", True, 2] < places["upper_org_unit", True, 1]


class TestDelivery:
    def test_a_whole_school(self, brightspace: SandboxBrightspace, client: BrightspaceClient) -> None:
        roster = a_school()
        delivered = deliver(client, roster)
        assert (delivered.count("delivered"), delivered.count("failed")) == (8 + 4 + 7 + 1, 0)
        assert roster.pending() == 0
        tenant = brightspace.tenant
        offering = tenant.tree.get(roster.ids["course_offering:C1"])
        assert [unit.code for unit in tenant.tree.parents(offering.id)] == ["M1", "Fall", "Maple High"]
        # The first and the last moment of the days in Chicago, where it is five hours, and six in winter, earlier.
        assert str(offering.start_date) == "2026-08-24 05:00:00+00:00"
        assert str(offering.end_date) == "2026-12-19 05:59:59+00:00"
        assert tenant.tree.get(roster.ids["course_offering:C2"]).is_active is False
        student, guardian = roster.ids["user:S1"], roster.ids["user:G1"]
        assert tenant.sections_of(student, offering.id) == [roster.ids["section:C1"]]
        assert tenant.auditors(student) == [guardian]
        assert tenant.directory.get(roster.ids["user:S2"]).is_active is False
        assert tenant.enrollment(roster.ids["user:T1"], tenant.tree.root_id).role.name == "Instructor"

    def test_nothing_changed_means_no_call(self, brightspace: SandboxBrightspace, client: BrightspaceClient) -> None:
        roster = a_school()
        deliver(client, roster)
        before = len(brightspace.requests)
        assert deliver(client, roster).count("delivered") == 0
        assert len(brightspace.requests) == before

    def test_changes_leave_alone_what_did_not_change(
        self, brightspace: SandboxBrightspace, client: BrightspaceClient
    ) -> None:
        roster, tenant = a_school(), brightspace.tenant
        deliver(client, roster)
        # By hand, in Brightspace.
        by_hand = tenant.tree.get(roster.ids["course_offering:C2"])
        by_hand.is_active, by_hand.description = True, "<p>Welcome</p>"
        tenant.directory.get(roster.ids["user:S1"]).first_name = "Augusta"
        extra = tenant.tree.create(tenant.tree.type_named("School").id, "By hand", "BH", [tenant.tree.root_id])
        tenant.tree.add_parent(by_hand.id, extra.id)
        # In the SIS.
        roster.units["school:HS2"] = Unit("School", "Maple Low", "Maple Low", ("district:D",))
        c2 = roster.units["course_offering:C2"]
        roster.units["course_offering:C2"] = replace(
            c2, name="Math II", end_date=date(2027, 1, 15), parents=("course_template:M1", "school:HS2", "term:F26")
        )
        roster.units["section:C2"] = replace(roster.units["section:C2"], name="Math II")
        roster.units["school:HS1"] = replace(roster.units["school:HS1"], name="Maple High School")
        roster.units["course_template:M1"] = replace(roster.units["course_template:M1"], name="Mathematics")
        roster.users["S1"] = user("S1", "Aide", last_name="King")
        roster.enrollments["S1", "course_offering:C1"] = "Aide"
        roster.enrollments["S1", "section:C1"] = "Aide"
        assert deliver(client, roster).count("failed") == 0
        assert roster.pending() == 0
        assert (by_hand.name, by_hand.is_active, by_hand.description) == ("Math II", True, "<p>Welcome</p>")
        assert str(by_hand.end_date) == "2027-01-16 05:59:59+00:00"
        assert {unit.code for unit in tenant.tree.parents(by_hand.id)} == {"M1", "Fall", "Maple Low", "BH"}
        person = tenant.directory.get(roster.ids["user:S1"])
        assert (person.first_name, person.last_name) == ("Augusta", "King")
        roles = {each.org_unit_id: each.role.name for each in tenant.enrollments_of(person.id)}
        changed = [tenant.tree.root_id, roster.ids["course_offering:C1"], roster.ids["section:C1"]]
        assert {roles[id_] for id_ in changed} == {"Aide"}
        assert roles[roster.ids["school:HS1"]] == "Learner"
        assert tenant.tree.get(roster.ids["school:HS1"]).name == "Maple High School"
        assert tenant.tree.get(roster.ids["course_template:M1"]).name == "Mathematics"
        assert tenant.tree.get(roster.ids["section:C2"]).name == "Math II"

    def test_removals(self, brightspace: SandboxBrightspace, client: BrightspaceClient) -> None:
        roster, tenant = a_school(), brightspace.tenant
        deliver(client, roster)
        roster.units["course_offering:C1"] = replace(roster.units["course_offering:C1"], is_active=False)
        del roster.units["section:C2"], roster.units["course_offering:C2"]
        roster.users["G1"] = replace(roster.users["G1"], is_active=False)
        roster.relationships.clear()
        for key in [
            ("S1", "section:C1"),
            ("S1", "course_offering:C1"),
            ("S2", "section:C2"),
            ("S2", "course_offering:C2"),
        ]:
            del roster.enrollments[key]
        assert deliver(client, roster).count("failed") == 0
        student = roster.ids["user:S1"]
        assert {each.org_unit_id for each in tenant.enrollments_of(student)} == {
            tenant.tree.root_id,
            roster.ids["school:HS1"],
        }
        assert tenant.auditors(student) == []
        assert tenant.directory.get(roster.ids["user:G1"]).is_active is False
        assert tenant.tree.get(roster.ids["course_offering:C1"]).is_active is False
        assert tenant.tree.org_units[roster.ids["course_offering:C2"]].recycled
        assert tenant.tree.org_units[roster.ids["section:C2"]].recycled

    def test_whoever_moves_is_in_the_new_section_before_leaving_the_old(
        self, brightspace: SandboxBrightspace, client: BrightspaceClient
    ) -> None:
        roster = a_school()
        deliver(client, roster)
        for unit in ("course_offering", "section"):
            del roster.enrollments["S1", f"{unit}:C1"]
            roster.enrollments["S1", f"{unit}:C2"] = "Learner"
        before = len(writes(brightspace))
        deliver(client, roster)
        methods = [write.split()[0] for write in writes(brightspace)[before:]]
        assert methods == ["POST", "POST", "DELETE", "DELETE"]

    def test_many_enrollments_go_in_few_calls_and_confirmations_come_in_bounded_batches(
        self, brightspace: SandboxBrightspace, client: BrightspaceClient
    ) -> None:
        roster = a_school()
        roster.users |= {f"N{number}": user(f"N{number}") for number in range(60)}
        roster.enrollments |= {
            (f"N{number}", unit): "Learner" for number in range(60) for unit in ("school:HS1", "course_offering:C1")
        }
        assert deliver(client, roster, look_up_first=False).count("failed") == 0
        assert writes(brightspace).count("POST /enrollments/batch/") == 1
        assert max(roster.batches) <= 500
        # One call for each unit and user that is new, and little else.
        assert len([each for each in brightspace.requests if each.method == "GET"]) < 12


class TestFailures:
    def test_a_change_that_is_refused_costs_itself_and_what_hangs_on_it(
        self, brightspace: SandboxBrightspace, client: BrightspaceClient
    ) -> None:
        roster = a_school()
        roster.units["school:HS1"] = replace(roster.units["school:HS1"], code="Maple: High")
        roster.units["school:HS2"] = Unit("Palace", "P", "P", ("district:D",))
        roster.users["T1"] = user("T1", "King")
        delivered = deliver(client, roster)
        assert roster.failures["school:HS1"].startswith("POST http")
        assert "forbidden character" in roster.failures["school:HS1"]
        assert "no org unit type 'Palace'" in roster.failures["school:HS2"]
        assert "parent school:HS1 is not in Brightspace" in roster.failures["course_template:M1"]
        assert "no role 'King'" in roster.failures["user:T1"]
        assert "not in Brightspace" in roster.failures["enrollment:S1|school:HS1"]
        assert delivered.counts["user", "delivered"] == 3
        assert roster.pending() == delivered.count("failed")
        # Once the reasons are gone, the next delivery does the rest and nothing else.
        roster.units["school:HS1"] = replace(roster.units["school:HS1"], code="Maple High")
        roster.users["T1"] = user("T1", "Instructor")
        del roster.units["school:HS2"]
        deliver(client, roster)
        assert roster.pending() == 0
        assert creations(brightspace.tenant)["user"] == 4 + 1

    def test_a_row_of_a_batch_that_fails_is_told(
        self, brightspace: SandboxBrightspace, client: BrightspaceClient
    ) -> None:
        roster = a_school()
        deliver(client, roster)
        roster.enrollments["T1", "school:HS1"] = "Instructor"
        roster.enrollments["S2", "school:HS1"] = "Learner"
        brightspace.tenant.delete_user(roster.ids["user:S2"])
        deliver(client, roster)
        assert roster.failures["enrollment:S2|school:HS1"].startswith("HTTP 404")
        assert roster.delivered["enrollment:T1|school:HS1"] == "Instructor"

    def test_a_unit_deleted_by_hand_comes_back_with_what_is_in_it(
        self, brightspace: SandboxBrightspace, client: BrightspaceClient
    ) -> None:
        roster, tenant = a_school(), brightspace.tenant
        deliver(client, roster)
        recycled, gone = roster.ids["course_offering:C1"], roster.ids["section:C2"]
        tenant.tree.recycle(recycled)
        tenant.tree.recycle(gone)
        tenant.delete_org_unit_for_good(gone)
        for key in ("course_offering:C1", "section:C2"):
            roster.units[key] = replace(roster.units[key], name="New name")
        assert deliver(client, roster).count("failed") == 0
        assert tenant.tree.get(recycled).name == "New name"
        assert tenant.sections_of(roster.ids["user:S1"], recycled)
        assert roster.ids["section:C2"] != gone
        assert tenant.tree.get(roster.ids["section:C2"]).name == "New name"

    def test_a_user_deleted_by_hand_is_told(self, brightspace: SandboxBrightspace, client: BrightspaceClient) -> None:
        roster = a_school()
        deliver(client, roster)
        brightspace.tenant.delete_user(roster.ids["user:G1"])
        roster.users["G1"] = replace(roster.users["G1"], last_name="King")
        deliver(client, roster)
        assert "gone from Brightspace" in roster.failures["user:G1"]

    def test_what_is_done_before_brightspace_goes_away_is_confirmed(
        self, brightspace: SandboxBrightspace, client: BrightspaceClient
    ) -> None:
        roster = a_school()
        with brightspace.fault(ServerErrors("GET .*/users/")), pytest.raises(UnavailableError):
            deliver(client, roster)
        assert {key.partition(":")[0] for key in roster.delivered} == {
            "district", "school", "term", "course_template", "course_offering", "section",
        }  # fmt: skip
        deliver(client, roster)
        assert roster.pending() == 0

    def test_when_everything_fails_the_rest_is_not_tried(
        self, brightspace: SandboxBrightspace, client: BrightspaceClient
    ) -> None:
        roster = a_school()
        roster.users |= {f"N{number}": user(f"N{number}") for number in range(200)}
        with (
            brightspace.fault(Refusal("POST .*/users/$", status=403)) as fault,
            pytest.raises(HopelessError, match="403"),
        ):
            deliver(client, roster, look_up_first=False)
        assert fault.hits < 80


class TestVisibility:
    def test_nothing_is_removed_while_known_enrollments_are_hidden(
        self, brightspace: SandboxBrightspace, client: BrightspaceClient
    ) -> None:
        roster, tenant = a_school(), brightspace.tenant
        deliver(client, roster)
        student = roster.ids["user:S1"]
        del roster.enrollments["S1", "section:C1"]
        roster.users["N1"] = user("N1")
        before = tenant.enrollments_of(student)
        hidden = Refusal("GET .*/enrollments/", status=404)
        with brightspace.fault(hidden), pytest.raises(VisibilityError, match="View User Enrollments"):
            deliver(client, roster)
        assert tenant.enrollments_of(student) == before
        assert "user:N1" in roster.delivered
        assert "enrollment:S1|section:C1" in roster.delivered
        deliver(client, roster)
        assert tenant.enrollments_of(student) != before

    def test_without_a_known_enrollment_not_found_is_not_gone(
        self, brightspace: SandboxBrightspace, client: BrightspaceClient
    ) -> None:
        roster = a_school()
        deliver(client, roster)
        del roster.enrollments["S1", "section:C1"]
        roster.recheck = []
        with brightspace.fault(Refusal("DELETE .*/enrollments/", status=404)):
            deliver(client, roster)
        assert "shows no such enrollment" in roster.failures["enrollment:S1|section:C1"]
        roster.recheck = None
        deliver(client, roster)
        assert roster.pending() == 0


class TestLinking:
    @pytest.mark.rule("CF-069", "CF-117")
    def test_units_of_the_same_code_are_taken_over(
        self, brightspace: SandboxBrightspace, client: BrightspaceClient
    ) -> None:
        tree = brightspace.tenant.tree
        by_hand = tree.create(tree.type_named("School").id, "Old name", "Maple High", [tree.root_id])
        roster = a_school()
        roster.link_units = True
        deliver(client, roster)
        assert roster.ids["school:HS1"] == by_hand.id
        assert by_hand.name == "Maple High"
        assert {unit.code for unit in tree.parents(by_hand.id)} == {"", "Maple"}

    def test_two_units_of_one_code_are_taken_over_by_nobody(
        self, brightspace: SandboxBrightspace, client: BrightspaceClient
    ) -> None:
        tree = brightspace.tenant.tree
        by_hand = [tree.create(tree.type_named("School").id, "S", "Maple High", [tree.root_id]) for _ in range(2)]
        roster = a_school()
        roster.link_units = True
        deliver(client, roster)
        assert "Make codes unique, or switch linking off" in roster.failures["school:HS1"]
        assert {unit.name for unit in by_hand} == {"S"}

    @pytest.mark.rule("CF-039", "CF-040", "CF-045", "CF-046", "CF-049")
    @pytest.mark.parametrize("key", ["username", "org_defined_id"])
    def test_accounts_are_taken_over_by_one_key(
        self, brightspace: SandboxBrightspace, client: BrightspaceClient, key: Any
    ) -> None:
        tenant = brightspace.tenant
        names = {"username": ("U.S1", "X9"), "org_defined_id": ("ada", "S1")}[key]
        by_hand = tenant.create_user(*names, "Augusta", "King", tenant.role_named("Aide").id)
        roster = a_school()
        roster.link_users_by = key
        roster.users["S9"] = user("S9", **{key: getattr(roster.users["S1"], key)})
        deliver(client, roster)
        linked = [sourced_id for sourced_id in ("S1", "S9") if roster.ids.get(f"user:{sourced_id}") == by_hand.id]
        assert len(linked) == 1
        assert by_hand.last_name == "Lee"
        assert tenant.enrollment(by_hand.id, tenant.tree.root_id).role.name == "Learner"
        [other] = {"S1", "S9"} - set(linked)
        assert "linked to another user of the SIS already" in roster.failures[f"user:{other}"]

    def test_without_linking_a_taken_username_is_told(
        self, brightspace: SandboxBrightspace, client: BrightspaceClient
    ) -> None:
        tenant = brightspace.tenant
        by_hand = tenant.create_user("u.S1", "S1", "Augusta", "King", tenant.role_named("Aide").id)
        roster = a_school()
        deliver(client, roster, look_up_first=False)
        assert "in use" in roster.failures["user:S1"]
        assert "u.S1" not in roster.failures["user:S1"]
        assert by_hand.last_name == "King"


class TestContentCopies:
    def roster(self, brightspace: SandboxBrightspace, source: str) -> tuple[ManagedRoster, int]:
        """A roster with a copy into one offering, and a course by hand to copy from."""
        roster = a_school()
        del roster.units["course_offering:C2"], roster.units["section:C2"]
        roster.enrollments = {}
        tree = brightspace.tenant.tree
        template = tree.create_template("Old", "OLD", [tree.root_id])
        by_hand = tree.create_offering("By hand", "001", template.id)
        roster.copies, roster.copy_source = ["course_offering:C1"], source
        return roster, by_hand.id

    def copied_from(self, brightspace: SandboxBrightspace) -> list[int]:
        return [int(each.key[0]) for each in brightspace.tenant.creations if each.kind == "copy_job"]

    @pytest.mark.rule("CF-072", "CF-100")
    def test_from_the_course_of_the_same_code(self, brightspace: SandboxBrightspace, client: BrightspaceClient) -> None:
        roster, by_hand = self.roster(brightspace, "same_code")
        deliver(client, roster)
        deliver(client, roster)
        assert self.copied_from(brightspace) == [by_hand]

    @pytest.mark.rule("CF-072")
    def test_not_from_one_of_several(self, brightspace: SandboxBrightspace, client: BrightspaceClient) -> None:
        roster, by_hand = self.roster(brightspace, "same_code")
        tree = brightspace.tenant.tree
        tree.create_offering("Another", "001", tree.parents(by_hand)[0].id)
        deliver(client, roster)
        assert self.copied_from(brightspace) == []
        assert "2 courses have the code 001" in roster.failures["content_copy:C1"]

    @pytest.mark.rule("CF-073", "CF-101")
    def test_from_the_template(self, brightspace: SandboxBrightspace, client: BrightspaceClient) -> None:
        roster, _ = self.roster(brightspace, "parent_template")
        deliver(client, roster)
        assert self.copied_from(brightspace) == [roster.ids["course_template:M1"]]

    @pytest.mark.rule("CF-074", "CF-101")
    def test_from_the_sibling_with_the_templates_code(
        self, brightspace: SandboxBrightspace, client: BrightspaceClient
    ) -> None:
        roster, _ = self.roster(brightspace, "sibling")
        copies, roster.copies = roster.copies, []
        deliver(client, roster)
        roster.copies = copies
        sibling = brightspace.tenant.tree.create_offering("Master", "M1", roster.ids["course_template:M1"])
        deliver(client, roster)
        assert self.copied_from(brightspace) == [sibling.id]

    def test_a_copy_that_may_have_been_queued_is_not_queued_again(
        self, brightspace: SandboxBrightspace, client: BrightspaceClient
    ) -> None:
        roster, by_hand = self.roster(brightspace, "same_code")
        with brightspace.fault(CutConnection("/copy/$")):
            deliver(client, roster)
        assert "no answer" in roster.failures["content_copy:C1"]
        roster.failures.clear()
        deliver(client, roster)
        assert "may have been queued" in roster.failures["content_copy:C1"]
        assert self.copied_from(brightspace) == [by_hand]


class TestInterruption:
    """Whatever happens on the way, the next delivery ends where an undisturbed one ends, and nothing is made twice."""

    @pytest.fixture
    def expected(self, connect: Connect) -> dict[str, Any]:
        with SandboxBrightspace() as undisturbed:
            deliver(connect(undisturbed), a_school())
            return picture(undisturbed.tenant)

    def check(self, brightspace: SandboxBrightspace, roster: ManagedRoster, expected: dict[str, Any]) -> None:
        assert roster.pending() == 0
        assert picture(brightspace.tenant) == expected
        # Eight units, four users and the service user, as many enrollments as there are.
        made = creations(brightspace.tenant)
        assert (made["org_unit"], made["user"], made["relationship"]) == (8, 5, 1)
        assert made["enrollment"] == sum(expected["enrollments"].values()) + 1

    @pytest.mark.parametrize(
        "fault",
        [
            LostAnswer("POST", status=504),
            LostAnswer("(POST|PUT) ", status=500, times=7),
            CutConnection("POST .*/(orgstructure|courses|coursetemplates|sections|users)/$"),
            ServerErrors(share=0.2),
        ],
        ids=["every creation's answer lost", "some answers lost", "every creation cut off", "a fifth of calls fails"],
    )
    def test_answers_that_get_lost(
        self, brightspace: SandboxBrightspace, connect: Connect, expected: dict[str, Any], fault: Fault
    ) -> None:
        client = connect()
        client.people.service_user_id()
        roster = a_school()
        with brightspace.fault(fault):
            for _ in range(12):
                try:
                    deliver(client, roster)
                except UnavailableError:
                    continue
                if not roster.pending():
                    break
        deliver(client, roster)
        self.check(brightspace, roster, expected)

    @pytest.mark.parametrize("at", range(1, 9))
    def test_killed_while_confirming(
        self, brightspace: SandboxBrightspace, client: BrightspaceClient, expected: dict[str, Any], at: int
    ) -> None:
        roster = a_school()
        roster.kill_at_confirmation = at
        with pytest.raises(Killed):
            deliver(client, roster)
        deliver(client, roster)
        self.check(brightspace, roster, expected)

    @pytest.mark.parametrize("when", ["before", "after"])
    def test_killed_at_any_call(
        self,
        connect: Connect,
        expected: dict[str, Any],
        monkeypatch: pytest.MonkeyPatch,
        when: str,
    ) -> None:
        send = requests.Session.request
        calls, lock = 0, threading.Lock()
        deadly = 0

        def dying(*arguments: Any, **options: Any) -> requests.Response:
            nonlocal calls
            with lock:
                calls += 1
                dies = calls == deadly
            if dies and when == "before":
                raise Killed
            answer = send(*arguments, **options)
            if dies:
                raise Killed
            return answer

        monkeypatch.setattr(requests.Session, "request", dying)
        # Every third call, to stay quick; those before the first change are the client's own.
        for deadly in itertools.count(5, 3):
            with SandboxBrightspace() as brightspace:
                client, roster = connect(brightspace, concurrency=2), a_school()
                calls = 0
                try:
                    deliver(client, roster)
                except Killed:
                    deliver(client, roster)
                self.check(brightspace, roster, expected)
                if calls < deadly:
                    break
        assert deadly > 40


class TestTwins:
    """Objects that are equal in everything but their identity, side by side."""

    @staticmethod
    def hold_first(monkeypatch: pytest.MonkeyPatch, owner: type, name: str) -> None:
        """The first to create something learns of its id only when the others have had time to find it."""
        create, calls = getattr(owner, name), itertools.count()

        def held(*arguments: Any, **options: Any) -> Any:
            created = create(*arguments, **options)
            if next(calls) == 0:
                threading.Event().wait(0.3)
            return created

        monkeypatch.setattr(owner, name, held)

    def test_each_offering_gets_a_unit_of_its_own(
        self, brightspace: SandboxBrightspace, client: BrightspaceClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.hold_first(monkeypatch, Courses, "create_offering")
        roster = a_school()
        roster.units |= {f"course_offering:N{number}": roster.units["course_offering:C1"] for number in range(20)}
        deliver(client, roster)
        offerings = [id_ for key, id_ in roster.ids.items() if key.startswith("course_offering:")]
        assert len(set(offerings)) == len(offerings) == 22
        assert creations(brightspace.tenant)["org_unit"] == 8 + 20

    def test_two_users_never_become_one_account(
        self, client: BrightspaceClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.hold_first(monkeypatch, People, "create")
        roster = a_school()
        roster.users = {f"N{number}": user("S1") for number in range(20)} | roster.users
        deliver(client, roster)
        accounts = [id_ for key, id_ in roster.ids.items() if key.startswith("user:")]
        assert len(set(accounts)) == len(accounts) == 4
        assert len([key for key in roster.failures if key.startswith("user:")]) == 20


def test_calls_go_side_by_side(connect: Connect) -> None:
    with SandboxBrightspace(latency=0.05) as brightspace:
        roster = a_school()
        roster.users |= {f"N{number}": user(f"N{number}") for number in range(40)}
        deliver(connect(brightspace, concurrency=6), roster, look_up_first=False)
        assert brightspace.service.most_at_once == 6


def test_rows_are_drawn_as_they_are_needed(brightspace: SandboxBrightspace, client: BrightspaceClient) -> None:
    """A district's rows never stand in memory all at once."""
    roster = a_school()
    roster.users |= {f"N{number}": user(f"N{number}") for number in range(300)}
    ahead: list[int] = []

    class Watched(ManagedRoster):
        def rows(self, phase: Phase) -> Iterator[Change]:
            for number, change in enumerate(super().rows(phase), 1):
                if phase == Phase("user"):
                    ahead.append(number - creations(brightspace.tenant)["user"])
                yield change

    watched = Watched(**{name: getattr(roster, name) for name in ("units", "users", "enrollments", "relationships")})
    deliver(client, watched, look_up_first=False)
    assert len(ahead) == 304
    assert max(ahead) <= 100

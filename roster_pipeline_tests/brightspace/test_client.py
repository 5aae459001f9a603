"""What the client does to a tenant, and reads from it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from roster_pipeline.brightspace.client import BrightspaceClient
from roster_pipeline.brightspace.errors import AmbiguousError, NotFoundError
from roster_pipeline.brightspace.models import ActivityDates, Enrollment, GradeItem, Offering, SisSettings
from roster_pipeline.brightspace.organization import UnknownNameError
from roster_pipeline.sandbox.brightspace.faults import LostAnswer, Refusal
from roster_pipeline.sandbox.brightspace_server import SandboxBrightspace

from .test_connection import create_school, create_user

START, END = datetime(2026, 8, 24, 5, tzinfo=UTC), datetime(2026, 12, 18, 5, 59, 59, tzinfo=UTC)


def create_offering(client: BrightspaceClient, code: str = "MATH-1") -> Offering:
    template = client.courses.create_template("Mathematics", "MATH", [client.organization.root_id()])
    return client.courses.create_offering(f"Name of {code}", code, template, None, START, END)


class TestOrganization:
    def test_types_and_roles_are_found_by_name_or_code(
        self, brightspace: SandboxBrightspace, client: BrightspaceClient
    ) -> None:
        organization, tenant = client.organization, brightspace.tenant
        assert organization.type_named("school year").id == tenant.tree.type_named("School Year").id
        assert organization.role_named("Learner").id == organization.role_named("learner").id
        assert organization.role_named("Learner").id == tenant.role_named("Learner").id
        with pytest.raises(UnknownNameError, match=r"no org unit type 'Kingdom'; it has .*School"):
            organization.type_named("Kingdom")
        with pytest.raises(UnknownNameError, match=r"no role 'King'.*people\.roles"):
            organization.role_named("King")
        reads = [request for request in brightspace.requests if request.path in {"/outypes/", "/roles/"}]
        assert len(reads) == 2

    def test_units_are_found_by_their_whole_code(self, client: BrightspaceClient) -> None:
        ids = [create_school(client, code) for code in ("HS1", "HS10", "HS1")]
        assert [unit.id for unit in client.organization.find("HS1")] == [ids[0], ids[2]]
        assert client.organization.find("HS1", client.organization.type_named("District").id) == []
        assert client.organization.find("HS") == []
        assert {unit.id for unit in client.organization.all()} >= set(ids)

    def test_a_change_keeps_the_path(self, brightspace: SandboxBrightspace, client: BrightspaceClient) -> None:
        school = create_school(client)
        assert client.organization.change(school, "New", "HS2").name == "New"
        unit = brightspace.tenant.tree.get(school)
        assert (unit.name, unit.code, unit.path) == ("New", "HS2", f"/content/enforced/{school}/")

    def test_parents(self, client: BrightspaceClient) -> None:
        school, offering = create_school(client), create_offering(client)
        client.organization.add_parent(offering.id, school)
        client.organization.add_parent(offering.id, school)
        assert {unit.id for unit in client.organization.parents(offering.id)} == {offering.template_id, school}
        assert [unit.id for unit in client.organization.children(school)] == [offering.id]
        client.organization.remove_parent(offering.id, school)
        client.organization.remove_parent(offering.id, school)
        assert [unit.id for unit in client.organization.parents(offering.id)] == [offering.template_id]
        with pytest.raises(NotFoundError):
            client.organization.remove_parent(1, school)

    def test_recycling_and_restoring(self, brightspace: SandboxBrightspace, client: BrightspaceClient) -> None:
        school = create_school(client)
        with brightspace.fault(LostAnswer("/recycle$", times=1)):
            client.organization.recycle(school)
        client.organization.recycle(school)
        assert client.organization.get(school) is None
        with brightspace.fault(LostAnswer("/restore$", times=1)):
            client.organization.restore(school)
        assert client.organization.get(school)


class TestCourses:
    def test_an_offering_is_changed_field_by_field(
        self, brightspace: SandboxBrightspace, client: BrightspaceClient
    ) -> None:
        created = create_offering(client)
        assert (created.is_active, created.start_date, created.end_date) == (True, START, END)
        brightspace.tenant.tree.get(created.id).description = "<p>By the teacher</p>"
        offering = client.courses.offering(created.id)
        assert offering
        changed = client.courses.change_offering(offering, is_active=False, start_date=None)
        assert client.courses.offering(created.id) == changed
        unit = brightspace.tenant.tree.get(created.id)
        assert (unit.is_active, unit.start_date, unit.end_date) == (False, None, END)
        assert (unit.name, unit.description) == ("Name of MATH-1", "<p>By the teacher</p>")

    def test_what_does_not_change_is_not_written(
        self, brightspace: SandboxBrightspace, client: BrightspaceClient
    ) -> None:
        offering = create_offering(client)
        client.courses.change_offering(offering, is_active=True)
        assert "PUT" not in {request.method for request in brightspace.requests}

    def test_an_offering_that_is_gone(self, client: BrightspaceClient) -> None:
        offering = create_offering(client)
        client.organization.recycle(offering.id)
        assert client.courses.offering(offering.id) is None

    def test_sections(self, brightspace: SandboxBrightspace, client: BrightspaceClient) -> None:
        offering, user = create_offering(client), create_user(client)
        role = client.organization.role_named("Learner").id
        client.people.enroll(Enrollment(user, offering.id, role))
        assert client.courses.sections(offering.id) == []
        with brightspace.fault(LostAnswer("POST .*/sections/settings", times=1)):
            client.courses.ensure_section_settings(offering.id)
        client.courses.ensure_section_settings(offering.id)
        assert client.courses.sections(offering.id) == []
        section = client.courses.create_section(offering.id, "Section A", "A")
        assert brightspace.tenant.sections_of(user, offering.id) == []
        client.courses.enroll_in_section(offering.id, section.id, user)
        assert client.people.enrollment(user, section.id) == Enrollment(user, section.id, role)
        client.courses.change_section(offering.id, section.id, "Section B", "B")
        assert [(each.name, each.code) for each in client.courses.sections(offering.id)] == [("Section B", "B")]

    def test_templates(self, client: BrightspaceClient) -> None:
        offering = create_offering(client)
        assert offering.template_id
        client.courses.change_template(offering.template_id, "Algebra", "ALG")
        [unit] = client.organization.find("ALG")
        assert (unit.id, unit.name) == (offering.template_id, "Algebra")

    def test_course_copies(self, brightspace: SandboxBrightspace, client: BrightspaceClient) -> None:
        source, target = create_offering(client, "A"), create_offering(client, "B")
        brightspace.tenant.tree.get(source.id).content.append("Unit 1")
        token = client.courses.copy_content(target.id, source.id)
        brightspace.tenant.copy_jobs[token].polls_left = 2
        assert [client.courses.copy_state(target.id, token) for _ in range(2)] == ["pending", "done"]
        assert brightspace.tenant.tree.get(target.id).content == ["Unit 1"]


class TestPeople:
    def test_users_are_found_and_changed(self, brightspace: SandboxBrightspace, client: BrightspaceClient) -> None:
        id_ = create_user(client)
        user = client.people.with_org_defined_id("S1")
        assert user
        assert user == client.people.with_username("ADA.lovelace") == client.people.user(id_)
        client.people.change(replace(user, email="ada@example.org", is_active=False))
        changed = brightspace.tenant.directory.get(id_)
        assert (changed.email, changed.is_active, changed.username) == ("ada@example.org", False, "ada.lovelace")
        client.people.set_active(id_, is_active=True)
        assert changed.is_active
        assert client.people.with_org_defined_id("S2") is client.people.with_username("bob") is None
        assert {each.username for each in client.people.all()} == {"service.user", "ada.lovelace"}

    def test_two_users_with_one_org_defined_id_are_a_stop(self, client: BrightspaceClient) -> None:
        create_user(client, "S1", "ada")
        create_user(client, "S1", "bob")
        with pytest.raises(AmbiguousError, match="2 users with the org-defined id S1"):
            client.people.with_org_defined_id("S1")

    def test_enrollments(self, brightspace: SandboxBrightspace, client: BrightspaceClient) -> None:
        school, user = create_school(client), create_user(client)
        learner, aide = (client.organization.role_named(name).id for name in ("Learner", "Aide"))
        with brightspace.fault(LostAnswer("POST .*/enrollments/$", times=1)):
            client.people.enroll(Enrollment(user, school, learner))
        client.people.enroll(Enrollment(user, school, aide))
        assert client.people.enrollment(user, school) == Enrollment(user, school, aide)
        assert list(client.people.enrollments_in(school)) == [Enrollment(user, school, aide)]
        assert {each.org_unit_id for each in client.people.enrollments_of(user)} == {
            client.organization.root_id(),
            school,
        }
        assert client.people.unenroll(user, school)
        assert not client.people.unenroll(user, school)
        assert client.people.enrollment(user, school) is None

    def test_a_conflict_is_fine_when_the_enrollment_is_there(
        self, brightspace: SandboxBrightspace, client: BrightspaceClient
    ) -> None:
        root, user = client.organization.root_id(), create_user(client)
        role = client.organization.role_named("Learner").id
        with brightspace.fault(Refusal("POST .*/enrollments/$", status=409)):
            client.people.enroll(Enrollment(user, root, role))
            with pytest.raises(Exception, match="409"):
                client.people.enroll(Enrollment(user, create_school(client), role))

    def test_a_batch_is_checked_row_by_row(self, client: BrightspaceClient) -> None:
        school, user = create_school(client), create_user(client)
        role = client.organization.role_named("Learner").id
        good, wrong = Enrollment(user, school, role), Enrollment(1, school, role)
        [failure] = client.people.enroll_many([wrong, good])
        assert (failure.enrollment, failure.status) == (wrong, 404)
        assert client.people.enrollment(user, school) == good
        assert client.people.enroll_many([good]) == []
        with pytest.raises(ValueError, match="1000"):
            client.people.enroll_many([good] * 1001)

    def test_auditors(self, brightspace: SandboxBrightspace, client: BrightspaceClient) -> None:
        child, parent = create_user(client, "S1", "ada"), create_user(client, "G1", "annabella")
        with brightspace.fault(LostAnswer("POST .*/auditees/$", times=1)):
            client.people.add_auditee(parent, child)
        assert brightspace.tenant.auditors(child) == [parent]
        client.people.remove_auditee(parent, child)
        client.people.remove_auditee(parent, child)
        assert brightspace.tenant.auditors(child) == []


def test_a_gradebook_is_read(brightspace: SandboxBrightspace, client: BrightspaceClient) -> None:
    offering = create_offering(client).id
    role = client.organization.role_named("Learner").id
    learners = [create_user(client, f"S{number}", f"user{number}") for number in range(5)]
    assert client.people.enroll_many([Enrollment(learner, offering, role) for learner in learners]) == []
    book = brightspace.tenant.gradebook(offering)
    homework = book.add_category("Homework", export_to_sis=True, session_org_unit_id=77)
    essay = book.add_item("Essay", max_points=10, category_id=homework.id, description="Write", session_org_unit_id=77)
    quiz, talk = book.add_item("Quiz", "Formula"), book.add_item("Talk", "PassFail", 1)
    book.add_activity("Assignments", "Essay", essay.id, due_date=START, end_date=END)
    book.add_activity("Quizzes", "Quiz", quiz.id, due_date=END)
    book.add_activity("Discussions", "Talk", talk.id, end_date=END)
    for number, learner in enumerate(learners[:4]):
        book.set_score(essay.id, learner, number + 0.5, comment="Good")
    book.exempt(essay.id, learners[4])

    reader = client.gradebooks
    assert [category.name for category in reader.categories(offering)] == ["Homework"]
    assert reader.category_settings(offering, homework.id) == SisSettings(77, export_to_sis=True)
    assert reader.item_settings(offering, essay.id) == SisSettings(77)
    assert reader.items(offering) == [
        GradeItem(essay.id, "Essay", "Numeric", 10, homework.id, "Write"),
        GradeItem(quiz.id, "Quiz", "Formula", 100, None, ""),
        GradeItem(talk.id, "Talk", "PassFail", 1, None, ""),
    ]
    scores = list(reader.scores(offering, essay.id))
    assert [(score.user_id, score.org_defined_id, score.points, score.max_points) for score in scores] == [
        (learner, f"S{number}", number + 0.5, 10) for number, learner in enumerate(learners[:4])
    ]
    assert scores[0].comment == "Good"
    assert scores[0].last_modified
    assert reader.exempt_user_ids(offering, essay.id) == {learners[4]}
    assert reader.activity_dates(offering) == {
        essay.id: ActivityDates(START, END),
        quiz.id: ActivityDates(END, None),
        talk.id: ActivityDates(None, END),
    }

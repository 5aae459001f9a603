import socket
from pathlib import Path

import pytest
import requests

from roster_pipeline.brightspace.client import BrightspaceClient
from roster_pipeline.brightspace.errors import (
    BrightspaceError,
    NotAllowedError,
    NotFoundError,
    OutcomeUnknownError,
    RefusedError,
    UnavailableError,
    problem_text,
    redacted,
)
from roster_pipeline.sandbox.brightspace.faults import CutConnection, LostAnswer, Refusal, ServerErrors
from roster_pipeline.sandbox.brightspace_server import SandboxBrightspace

from .conftest import Connect, settings_for


def create_school(client: BrightspaceClient, code: str = "HS1") -> int:
    organization = client.organization
    return organization.create(
        organization.type_named("School").id, f"School {code}", code, [organization.root_id()]
    ).id


def create_user(client: BrightspaceClient, org_defined_id: str = "S1", username: str = "ada.lovelace") -> int:
    return client.people.create(
        username=username,
        org_defined_id=org_defined_id,
        first_name="Ada",
        last_name="Lovelace",
        email=None,
        role_id=client.organization.role_named("Learner").id,
        is_active=True,
    ).id


class TestVersions:
    def test_the_newest_contract_of_the_tenant_is_spoken(
        self, brightspace: SandboxBrightspace, connect: Connect
    ) -> None:
        brightspace.service.supported_versions = {"lp": ["1.9", "1.49", "1.51"], "le": ["1.82"]}
        client = connect()
        assert client.connection.version("lp") == "1.51"
        client.people.service_user_id()
        assert client.connection.version("le") == "1.82"

    def test_a_tenant_that_is_too_old_is_told(self, brightspace: SandboxBrightspace, connect: Connect) -> None:
        brightspace.service.supported_versions = {"lp": ["1.9", "1.45"], "le": ["1.82"]}
        with pytest.raises(BrightspaceError, match=r"speaks lp 1\.45 at most.*lp_version asks for 1\.49"):
            connect().people.service_user_id()


class TestRepeating:
    @pytest.mark.parametrize("fault", [ServerErrors("orgstructure", times=3), CutConnection("orgstructure", times=2)])
    def test_reads_are_repeated(
        self, brightspace: SandboxBrightspace, client: BrightspaceClient, fault: ServerErrors | CutConnection
    ) -> None:
        create_school(client)
        with brightspace.fault(fault):
            assert len(client.organization.find("HS1")) == 1

    def test_not_for_ever(self, brightspace: SandboxBrightspace, client: BrightspaceClient) -> None:
        with brightspace.fault(ServerErrors("whoami")) as fault, pytest.raises(UnavailableError, match="HTTP 503"):
            client.people.service_user_id()
        assert fault.hits == 6

    def test_replacing_and_deleting_are_repeated(
        self, brightspace: SandboxBrightspace, client: BrightspaceClient
    ) -> None:
        school, user = create_school(client), create_user(client)
        with brightspace.fault(CutConnection("PUT .*/orgstructure/", times=1)):
            client.organization.change(school, "New", "HS1")
        with brightspace.fault(LostAnswer("DELETE .*/enrollments/", times=1)):
            assert client.people.unenroll(user, client.organization.root_id()) is False
        assert client.organization.find("HS1")[0].name == "New"

    @pytest.mark.parametrize("fault", [LostAnswer("POST .*/orgstructure/$"), CutConnection("POST .*/orgstructure/$")])
    def test_a_creation_whose_outcome_is_unknown_is_not(
        self, brightspace: SandboxBrightspace, client: BrightspaceClient, fault: LostAnswer | CutConnection
    ) -> None:
        with brightspace.fault(fault), pytest.raises(OutcomeUnknownError):
            create_school(client)
        assert len(client.organization.find("HS1")) == 1

    def test_nobody_there(self, tmp_path: Path, brightspace: SandboxBrightspace) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        settings = settings_for(brightspace).model_copy(update={"url": url})
        client = BrightspaceClient.connect(settings, tmp_path / "token.json")
        with pytest.raises(UnavailableError, match=r"no answer.*brightspace\.url"):
            client.people.service_user_id()


class TestErrors:
    def test_a_refusal_tells_what_brightspace_said_without_what_was_sent(
        self, brightspace: SandboxBrightspace, client: BrightspaceClient
    ) -> None:
        body = b'{"type": "x", "status": 400, "title": "Bad Request", "detail": "Ada Lovelace (ada.lovelace) exists"}'
        with brightspace.fault(Refusal("POST .*/users/$", body=body)), pytest.raises(RefusedError) as caught:
            create_user(client)
        assert "Bad Request" in str(caught.value)
        assert "exists" in str(caught.value)
        assert "Lovelace" not in str(caught.value)
        assert "ada" not in str(caught.value).lower()

    def test_an_address_is_told_without_its_query(
        self, brightspace: SandboxBrightspace, client: BrightspaceClient
    ) -> None:
        fault = Refusal("GET .*/users/$", body=b'{"title": "Bad Request", "detail": "ada.lovelace is no name"}')
        with brightspace.fault(fault), pytest.raises(RefusedError) as caught:
            client.people.with_username("ada.lovelace")
        assert str(caught.value).startswith(f"GET {brightspace.url}/d2l/api/lp/1.57/users/: HTTP 400: Bad Request: …")

    def test_missing_scopes_and_permissions(self, connect: Connect) -> None:
        with pytest.raises(NotAllowedError, match=r"lacks the scope core:\*:\*.*the scope, and the service user"):
            connect(scopes=["users:userdata:read"]).people.service_user_id()

    def test_not_found(self, client: BrightspaceClient) -> None:
        with pytest.raises(NotFoundError):
            client.courses.change_template(1, "Name", "CODE")

    def test_an_answer_that_is_no_json(self, brightspace: SandboxBrightspace, client: BrightspaceClient) -> None:
        page = Refusal("whoami", status=200, body=b"<html>Sign in</html>", media_type="text/html")
        with brightspace.fault(page), pytest.raises(BrightspaceError, match="no JSON"):
            client.people.service_user_id()

    def test_a_redirect_is_not_followed_with_the_token(
        self, brightspace: SandboxBrightspace, client: BrightspaceClient
    ) -> None:
        with brightspace.fault(Refusal("whoami", status=302)), pytest.raises(RefusedError, match="redirect"):
            client.people.service_user_id()

    @pytest.mark.parametrize(
        ("body", "text"),
        [
            (b'{"title": "Bad", "detail": "Name is empty", "status": 400}', "Bad: Name is empty"),
            (b'{"Errors": [{"Message": "one"}, {"Message": "two"}]}', "one; two"),
            (b"<html><head><style>p{}</style></head><body><h1>Sorry</h1> no</body></html>", "Sorry no"),
            (b"", ""),
            (b"[1]", "[1]"),
        ],
    )
    def test_the_shapes_of_error_bodies(self, body: bytes, text: str) -> None:
        response = requests.Response()
        response._content = body
        assert problem_text(response) == text

    def test_short_values_do_not_tear_words_apart(self) -> None:
        assert redacted("Name Ada is too long", {"Name": "Ada", "Code": "a", "Ids": ["too", 7]}) == "Name … is … long"


def test_a_link_to_another_host_is_not_followed(brightspace: SandboxBrightspace, client: BrightspaceClient) -> None:
    body = b'{"Objects": [], "Next": "https://elsewhere.example/d2l/api/lp/1.49/datasets/bds?page=2"}'
    page = Refusal("datasets/bds$", status=200, body=body)
    with brightspace.fault(page), pytest.raises(BrightspaceError, match=r"another host, elsewhere\.example"):
        client.data_hub.extracts("Users")

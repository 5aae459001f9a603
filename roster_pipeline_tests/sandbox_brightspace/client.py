"""A plain Brightspace client for tests of the sandbox, which share nothing with the project's own."""

from typing import Any

import requests

from roster_pipeline.sandbox.brightspace_server import SandboxBrightspace


class Client:
    """Talks to a sandbox tenant with a token for all scopes, or for the given ones."""

    def __init__(self, brightspace: SandboxBrightspace, scopes: str | None = None) -> None:
        self.brightspace = brightspace
        self.session = requests.Session()
        # A proxy of the machine has no business with loopback.
        self.session.trust_env = False
        answer = self.refresh(scopes or " ".join(brightspace.application.scopes))
        answer.raise_for_status()
        self.session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def refresh(self, scope: str, refresh_token: str | None = None) -> requests.Response:
        brightspace = self.brightspace
        form = {
            "grant_type": "refresh_token",
            "refresh_token": refresh_token or brightspace.refresh_token,
            "client_id": brightspace.client_id,
            "client_secret": brightspace.client_secret,
            "scope": scope,
        }
        return self.session.post(brightspace.token_url, form, timeout=30)

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> requests.Response:
        """`path` begins with component and version, or only with `/` for the platform's."""
        path = path if path[:3] in {"lp/", "le/"} else f"lp/1.49{path}"
        url = f"{self.brightspace.url}/d2l/api/{path}"
        json = {} if body is None else {"json": body}
        return self.session.request(method, url, params=query, timeout=30, allow_redirects=False, **json)

    def get(self, path: str, **query: Any) -> Any:
        answer = self.call("GET", path, **query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: Any = None) -> Any:
        answer = self.call("POST", path, body)
        assert answer.status_code == 200, answer.text
        return answer.json() if answer.content else None

    def refused(self, method: str, path: str, body: Any = None, **query: Any) -> int:
        """The status of a refusal that says why."""
        answer = self.call(method, path, body, **query)
        problem = answer.json()
        assert problem["status"] == answer.status_code
        assert problem["detail"]
        return answer.status_code

    # What most tests need before they begin

    def type_id(self, name: str) -> int:
        return next(int(type_["Id"]) for type_ in self.get("/outypes/") if type_["Name"] == name)

    def role_id(self, name: str) -> int:
        return next(int(role["Identifier"]) for role in self.get("/roles/") if role["DisplayName"] == name)

    def root(self) -> int:
        return int(self.get("/organization/info")["Identifier"])

    def school(self, code: str = "HS1") -> int:
        block = {"Type": self.type_id("School"), "Name": f"School {code}", "Code": code, "Parents": [self.root()]}
        return int(self.post("/orgstructure/", block)["Identifier"])

    def offering(self, code: str = "MATH-1") -> int:
        block = {"Name": "Mathematics", "Code": "MATH", "Path": "", "ParentOrgUnitIds": [self.root()]}
        template = int(self.post("/coursetemplates/", block)["Identifier"])
        return int(self.post("/courses/", offering_block(template, code))["Identifier"])

    def section(self, offering: int, code: str = "S1") -> int:
        if self.call("GET", f"/{offering}/sections/settings").status_code == 404:
            self.post(f"/{offering}/sections/settings", section_settings())
        block = {"Name": f"Section {code}", "Code": code, "Description": {"Content": "", "Type": "Text"}}
        return int(self.post(f"/{offering}/sections/", block)["SectionId"])

    def user(self, org_defined_id: str = "S1", role: str = "Learner", **changes: Any) -> int:
        return int(self.post("/users/", user_block(org_defined_id, self.role_id(role), **changes))["UserId"])

    def enroll(self, user: int, org_unit: int, role: str = "Learner") -> None:
        self.post("/enrollments/", {"OrgUnitId": org_unit, "UserId": user, "RoleId": self.role_id(role)})


def offering_block(template: int, code: str, **changes: Any) -> dict[str, Any]:
    return {
        "Name": f"Offering {code}",
        "Code": code,
        "Path": "",
        "CourseTemplateId": template,
        "SemesterId": None,
        "StartDate": None,
        "EndDate": None,
        "LocaleId": None,
        "ForceLocale": False,
        "ShowAddressBook": False,
        "Description": {"Content": "", "Type": "Text"},
        "CanSelfRegister": False,
        **changes,
    }


def section_settings(**changes: Any) -> dict[str, Any]:
    return {
        "EnrollmentStyle": 1,
        "EnrollmentQuantity": 20,
        "AutoEnroll": False,
        "RandomizeEnrollments": False,
        "DescriptionsVisibleToEnrollees": True,
        **changes,
    }


def user_block(org_defined_id: str, role_id: int, **changes: Any) -> dict[str, Any]:
    return {
        "OrgDefinedId": org_defined_id,
        "FirstName": "Ada",
        "MiddleName": None,
        "LastName": "Lee",
        "ExternalEmail": None,
        "UserName": f"u.{org_defined_id}",
        "RoleId": role_id,
        "IsActive": True,
        "SendCreationEmail": False,
        "Pronouns": None,
        **changes,
    }

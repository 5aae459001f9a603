"""What is listed where, checked against the district itself."""

from urllib.parse import quote

import pytest
import requests

from roster_pipeline.sandbox.district import District
from roster_pipeline.sandbox.objects import AcademicSession, Class, Course, Enrollment, Org, User
from roster_pipeline.sandbox.sis.operations import OPERATIONS, find_operations

from .client import SCOPE, Client, code_minor

#: Every call of the standard's tables 3.1a to 3.1c, and the one outside of them that vendors offer.
ROSTERING = """
academicSessions academicSessions/{id} classes classes/{id} courses courses/{id} gradingPeriods gradingPeriods/{id}
demographics demographics/{id} enrollments enrollments/{id} orgs orgs/{id} schools schools/{id} students students/{id}
teachers teachers/{id} terms terms/{id} users users/{id} schools/{id}/courses schools/{id}/classes/{id}/enrollments
schools/{id}/classes/{id}/students schools/{id}/classes/{id}/teachers schools/{id}/enrollments schools/{id}/students
schools/{id}/teachers schools/{id}/terms schools/{id}/classes terms/{id}/classes terms/{id}/gradingPeriods
courses/{id}/classes students/{id}/classes teachers/{id}/classes users/{id}/classes classes/{id}/students
classes/{id}/teachers
""".split()  # noqa: SIM905 - a table of forty-one paths reads better so
RESOURCES = ["resources", "resources/{id}", "courses/{id}/resources", "classes/{id}/resources"]
GRADEBOOK = [
    "categories", "categories/{id}", "lineItems", "lineItems/{id}", "results", "results/{id}", "classes/{id}/results",
    "classes/{id}/lineItems", "classes/{id}/lineItems/{id}/results", "classes/{id}/students/{id}/results",
]  # fmt: skip


def test_all_operations_of_the_standard_are_there() -> None:
    reads = {operation.path for operation in OPERATIONS if operation.method == "GET"}
    writes = {(operation.method, operation.path) for operation in OPERATIONS if operation.method != "GET"}

    assert len(ROSTERING) == 41
    assert reads == {*ROSTERING, *RESOURCES, *GRADEBOOK, "classes/{id}/categories"}
    assert writes == {
        (method, f"{collection}/{{id}}")
        for method in ("PUT", "DELETE")
        for collection in ("categories", "lineItems", "results")
    }


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        ("users", "roster-core.readonly"),
        ("schools/x", "roster-core.readonly"),
        ("schools/x/enrollments", "roster.readonly"),
        ("students/x/classes", "roster.readonly"),
        ("demographics", "roster-demographics.readonly"),
        ("courses/x/resources", "resource.readonly"),
        ("classes/x/categories", "gradebook.readonly"),
        ("classes/x/students/y/results", "gradebook.readonly"),
    ],
)
def test_scopes_are_those_of_the_tables(path: str, scope: str) -> None:
    assert find_operations(path)[0]["GET"].scope == scope


def test_a_sourced_id_with_an_encoded_slash_is_one_segment() -> None:
    operations, ids = find_operations(f"classes/{quote('a/b c%2F#', safe='')}/students")

    assert operations["GET"].path == "classes/{id}/students"
    assert ids == ("a/b c%2F#",)


@pytest.mark.parametrize("path", ["", "users/", "Users", "lineitems", "classes/x/nothing", "users/x/y/z/w"])
def test_other_paths_are_unknown(shared_client: Client, path: str) -> None:
    answer = shared_client.get(path)

    assert (answer.status_code, code_minor(answer)) == (404, "unknown object")


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE"])
def test_what_the_standard_does_not_offer_is_405(shared_client: Client, method: str) -> None:
    answer = shared_client.session.request(method, f"{shared_client.sis.endpoint_url}/users/x", timeout=30)

    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET")


def test_collections_hold_all_objects_of_their_kind(shared_client: Client) -> None:
    district = shared_client.sis.district
    expected = {
        "academicSessions": list(district.all(AcademicSession)),
        "terms": [s.sourced_id for s in district.all(AcademicSession).values() if s.type == "term"],
        "gradingPeriods": [s.sourced_id for s in district.all(AcademicSession).values() if s.type == "gradingPeriod"],
        "orgs": list(district.all(Org)),
        "schools": [o.sourced_id for o in district.all(Org).values() if o.type == "school"],
        "courses": list(district.all(Course)),
        "classes": list(district.all(Class)),
        "users": list(district.all(User)),
        "students": [u.sourced_id for u in district.all(User).values() if u.role == "student"],
        "teachers": [u.sourced_id for u in district.all(User).values() if u.role == "teacher"],
        "enrollments": list(district.all(Enrollment)),
        "demographics": [],
        "resources": [],
        "lineItems": [],
        "results": [],
    }
    for collection, ids in expected.items():
        assert shared_client.ids(collection, limit=100_000) == ids, collection


@pytest.mark.parametrize(
    ("collection", "plural", "singular"),
    [
        ("schools", "orgs", "org"),
        ("terms", "academicSessions", "academicSession"),
        ("gradingPeriods", "academicSessions", "academicSession"),
        ("students", "users", "user"),
        ("teachers", "users", "user"),
        ("classes", "classes", "class"),
        ("categories", "categories", "category"),
    ],
)
def test_envelopes(shared_client: Client, collection: str, plural: str, singular: str) -> None:
    many = shared_client.get(collection, limit=1).json()
    assert list(many) == [plural]

    one = shared_client.get(f"{collection}/{many[plural][0]['sourcedId']}").json()
    assert one == {singular: many[plural][0]}


def test_an_object_has_the_fields_of_the_standard_and_references_are_guid_refs(shared_client: Client) -> None:
    base = shared_client.sis.endpoint_url
    enrollment = shared_client.rows("enrollments", limit=1)[0]
    class_ = shared_client.rows("classes", limit=1)[0]

    assert set(enrollment) == {
        "sourcedId", "status", "dateLastModified", "user", "class", "school", "role", "primary", "beginDate", "endDate",
    }  # fmt: skip
    class_id = enrollment["class"]["sourcedId"]
    assert enrollment["class"] == {"href": f"{base}/classes/{class_id}", "sourcedId": class_id, "type": "class"}
    assert [(term["type"], term["href"].split("/")[-2]) for term in class_["terms"]] == [
        ("academicSession", "terms")
    ] * 2
    assert requests.get(class_["school"]["href"], headers=shared_client.session.headers, timeout=30).status_code == 200


def test_trees_name_their_children(shared_client: Client) -> None:
    orgs = {org["sourcedId"]: org for org in shared_client.rows("orgs")}

    assert "parent" not in orgs["org-0001"]
    children = {child["sourcedId"] for child in orgs["org-0001"]["children"]}
    assert children == {key for key, org in orgs.items() if org.get("parent", {}).get("sourcedId") == "org-0001"}


def test_a_user_is_written_as_the_standard_has_it(client: Client) -> None:
    client.sis.district.put(
        User(
            sourced_id="u1", date_last_modified="2026-10-01T00:00:00.000Z", org_sourced_ids=("org-0101",),
            role="teacher", username="u1", user_ids=(("LDAP", "ab12"),), given_name="Ann", family_name="Lee",
            metadata={"vendor.key": 1},
        )
    )  # fmt: skip
    org = {"href": f"{client.sis.endpoint_url}/orgs/org-0101", "sourcedId": "org-0101", "type": "org"}

    assert client.get("users/u1").json() == {
        "user": {
            "sourcedId": "u1", "status": "active", "dateLastModified": "2026-10-01T00:00:00.000Z", "enabledUser": True,
            "orgs": [org], "role": "teacher", "username": "u1", "userIds": [{"type": "LDAP", "identifier": "ab12"}],
            "givenName": "Ann", "familyName": "Lee", "agents": [], "grades": [], "metadata": {"vendor.key": 1},
        }
    }  # fmt: skip


def test_collections_below_a_school(shared_client: Client) -> None:
    district, school = shared_client.sis.district, "org-0101"
    classes = [c for c in district.all(Class).values() if c.school_sourced_id == school]
    for collection, expected in {
        "courses": [c.sourced_id for c in district.all(Course).values() if c.org_sourced_id == school],
        "classes": [c.sourced_id for c in classes],
        "enrollments": [e.sourced_id for e in district.all(Enrollment).values() if e.school_sourced_id == school],
        "students": [
            u.sourced_id for u in district.all(User).values() if u.role == "student" and school in u.org_sourced_ids
        ],
        "teachers": [
            u.sourced_id for u in district.all(User).values() if u.role == "teacher" and school in u.org_sourced_ids
        ],
        "terms": ["term-2027-1", "term-2027-2", "term-2026-1", "term-2026-2"],
    }.items():
        assert expected
        assert shared_client.ids(f"schools/{school}/{collection}", limit=100_000) == expected


def test_collections_below_a_class(shared_client: Client) -> None:
    district = shared_client.sis.district
    class_ = next(iter(district.all(Class).values()))
    enrollments = [e for e in district.all(Enrollment).values() if e.class_sourced_id == class_.sourced_id]
    below = f"schools/{class_.school_sourced_id}/classes/{class_.sourced_id}"

    assert shared_client.ids(f"{below}/enrollments") == [e.sourced_id for e in enrollments]
    for role in ("student", "teacher"):
        expected = [e.user_sourced_id for e in enrollments if e.role == role]
        assert shared_client.ids(f"{below}/{role}s") == expected
        assert shared_client.ids(f"classes/{class_.sourced_id}/{role}s") == expected
    categories = shared_client.rows(f"classes/{class_.sourced_id}/categories")
    assert tuple(category["sourcedId"] for category in categories) == class_.category_sourced_ids
    assert shared_client.ids(f"classes/{class_.sourced_id}/resources") == []
    assert shared_client.ids(f"courses/{class_.course_sourced_id}/resources") == []


def test_collections_below_terms_courses_and_people(shared_client: Client) -> None:
    district = shared_client.sis.district
    classes = district.all(Class)
    enrollments = district.all(Enrollment).values()
    pupil = next(e for e in enrollments if e.role == "student").user_sourced_id
    teacher = next(e for e in enrollments if e.role == "teacher").user_sourced_id
    course = next(iter(district.all(Course)))

    assert shared_client.ids("terms/term-2027-2/gradingPeriods") == ["gp-2027-3", "gp-2027-4"]
    assert shared_client.ids("terms/term-2027-2/classes", limit=10_000) == [
        c.sourced_id for c in classes.values() if "term-2027-2" in c.term_sourced_ids
    ]
    assert shared_client.ids(f"courses/{course}/classes") == [
        c.sourced_id for c in classes.values() if c.course_sourced_id == course
    ]
    for person, collection in ((pupil, "students"), (teacher, "teachers"), (pupil, "users")):
        assert shared_client.ids(f"{collection}/{person}/classes") == [
            e.class_sourced_id for e in enrollments if e.user_sourced_id == person
        ]


def test_who_is_no_longer_enrolled_is_not_in_the_class(client: Client, district: District) -> None:
    enrollment = next(e for e in district.all(Enrollment).values() if e.role == "student")

    district.mark_deleted(Enrollment, enrollment.sourced_id)

    assert enrollment.user_sourced_id not in client.ids(f"classes/{enrollment.class_sourced_id}/students")
    assert enrollment.class_sourced_id not in client.ids(f"users/{enrollment.user_sourced_id}/classes")
    assert client.get(f"enrollments/{enrollment.sourced_id}").json()["enrollment"]["status"] == "tobedeleted"


@pytest.mark.parametrize(
    "path",
    [
        "users/nobody", "schools/org-0001", "students/stf-501", "terms/gp-2027-1", "classes/nowhere/students",
        "schools/org-0102/classes/sec-2027-0101-0001/students", "classes/sec-2027-0101-0001/students/nobody/results",
        "classes/sec-2027-0101-0001/lineItems/none/results", "terms/sy-2027/classes", "classes/nowhere/categories",
    ],
)  # fmt: skip
def test_what_is_not_there_or_of_another_kind_is_404(shared_client: Client, path: str) -> None:
    answer = shared_client.get(path)

    assert (answer.status_code, code_minor(answer)) == (404, "unknown object")


def test_a_change_of_the_data_is_served_at_once(client: Client, district: District) -> None:
    assert client.rows("users/stu-000001/classes")
    old = client.get("users/stu-000001").json()["user"]

    district.change(User, "stu-000001", family_name="Newname")

    assert old["familyName"] != client.get("users/stu-000001").json()["user"]["familyName"] == "Newname"
    listed = {user["sourcedId"]: user for user in client.rows("users", limit=10_000)}
    assert listed["stu-000001"]["familyName"] == "Newname"


def test_the_next_day_comes_by_a_post(client: Client, district: District) -> None:
    before = client.ids("users", limit=10_000)

    answer = requests.post(client.sis.next_day_url, timeout=30)

    assert len(answer.json()["changes"]) == 5
    assert len(client.ids("users", limit=10_000)) == len(before) + 2
    assert f"{district.today}" == "2026-10-02"


def test_a_day_that_cannot_come_is_told(client: Client, district: District) -> None:
    for user in list(district.all(User).values()):
        if user.role == "student":
            district.mark_deleted(User, user.sourced_id)

    answer = requests.post(client.sis.next_day_url, timeout=30)

    assert answer.status_code == 409
    assert "no pupil can move" in answer.json()["error"]


def test_requests_are_recorded_as_they_came_without_secrets(client: Client) -> None:
    client.get("classes/a%2Fb/students", filter="role='x y'")
    token, asked = client.sis.requests

    assert (token.method, token.path, token.body, token.status) == ("POST", "/oauth2/token", b"", 200)
    assert token.body_size > 0
    assert (asked.method, asked.status) == ("GET", 404)
    assert asked.path == "/ims/oneroster/v1p1/classes/a%2Fb/students"
    assert asked.query == "filter=role%3D%27x+y%27"
    secrets = [client.sis.client_secret, str(client.session.headers["Authorization"]).removeprefix("Bearer ")]
    assert not any(secret in repr(client.sis.requests) for secret in secrets)
    assert SCOPE not in repr(client.sis.requests)

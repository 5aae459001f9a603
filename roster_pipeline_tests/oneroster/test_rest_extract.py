"""Faults of REST services: each is either read to the same tables as the service without it, or refused whole."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from roster_pipeline.oneroster.extract import ExtractError
from roster_pipeline.oneroster.rest_extract import RestExtractor
from roster_pipeline.sandbox.generator import make_district
from roster_pipeline.sandbox.objects import AcademicSession, Class, Course, Enrollment, Org, User
from roster_pipeline.sandbox.sis.faults import Fault, paging, rows, setup, transport
from roster_pipeline.sandbox.sis_server import SandboxSis
from roster_pipeline.settings.connection import Rest
from roster_pipeline_tests.oneroster.conftest import StartService, StartSis
from roster_pipeline_tests.oneroster.services import QUICK, Received, json, oauth1_settings, rest_settings, with_token
from roster_pipeline_tests.oneroster.tables import (
    Tables,
    by_id,
    changed,
    codes,
    extract_of,
    is_empty,
    no_progress,
    tables_of,
)

MakeFault = Callable[[], Fault]


@pytest.fixture(scope="module")
def faultless(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    """What is read of the service without a fault."""
    with SandboxSis(make_district(100)) as sis:
        folder = tmp_path_factory.mktemp("faultless") / "extract"
        return tables_of(extract_of(RestExtractor(rest_settings(sis), QUICK), folder))


@pytest.fixture(params=[1, 3], ids=["one by one", "side by side"])
def concurrency(request: pytest.FixtureRequest) -> int:
    number: int = request.param
    return number


def extractor(settings: Rest) -> RestExtractor:
    return RestExtractor(settings, QUICK)


def refused(settings: Rest, tmp_path: Path) -> str:
    """The message of an extract that is refused and leaves nothing behind."""
    destination = tmp_path / "refused"
    destination.mkdir()
    with pytest.raises(ExtractError) as caught:
        extractor(settings).extract(destination, no_progress)
    assert is_empty(destination)
    return str(caught.value)


def rest_paths(sis: SandboxSis) -> list[str]:
    return [request.path for request in sis.requests if "token" not in request.path]


@pytest.mark.rule("SK-001", "IC-001")
def test_only_the_six_collections_are_read(start_sis: StartSis, tmp_path: Path, faultless: Tables) -> None:
    sis = start_sis()
    extracted = extract_of(extractor(rest_settings(sis)), tmp_path / "extract")
    assert tables_of(extracted) == faultless
    assert extracted.findings == []
    assert {name: len(rows) for name, rows in faultless.items()} == {
        "academicSessions": len(sis.district.all(AcademicSession)),
        "orgs": len(sis.district.all(Org)),
        "courses": len(sis.district.all(Course)),
        "classes": len(sis.district.all(Class)),
        "users": len(sis.district.all(User)),
        "enrollments": len(sis.district.all(Enrollment)),
    }
    assert set(rest_paths(sis)) == {
        f"/ims/oneroster/v1p1/{name}"
        for name in ("academicSessions", "orgs", "courses", "classes", "users", "enrollments")
    }
    assert {request.method for request in sis.requests if "token" not in request.path} == {"GET"}


def test_the_tables_are_those_of_the_sis(start_sis: StartSis, tmp_path: Path) -> None:
    sis = start_sis()
    tables = tables_of(extract_of(extractor(rest_settings(sis)), tmp_path / "extract"))
    student = next(row for row in tables["users"] if row["role"] == "student" and row["agentSourcedIds"])
    assert student["enabledUser"] == "true"
    assert student["orgSourcedIds"]
    assert all(":" in user_id for user_id in student["userIds"])
    assert {row["sourcedId"] for row in tables["users"]} >= set(student["agentSourcedIds"])
    assert all(row["courseSourcedId"] and row["termSourcedIds"] for row in tables["classes"])
    assert all(row["schoolYear"] is None or row["schoolYear"].isdigit() for row in tables["academicSessions"])


PAGING: list[MakeFault] = [
    lambda: paging.LimitCap(limit=17),
    paging.LimitIgnored,
    paging.NoTotal,
    paging.NoLinks,
    lambda: paging.WrongTotal(difference=-10),
    paging.NextLinkOffByOne,
    paging.NextLinkToOtherHost,
    lambda: transport.TooManyRequests(retry_after="none", count=3),
    lambda: transport.TooManyRequests(seconds=0, count=2),
    lambda: transport.TooManyRequests(retry_after="date", seconds=0),
    lambda: transport.Unavailable(resource="users", page=2),
    lambda: transport.Unavailable(status=500, resource="enrollments", page=3),
    lambda: transport.UnauthorizedMidRun(resource="enrollments"),
    lambda: transport.HtmlAnswer(resource="users", page=2),
    lambda: transport.TruncatedJson(resource="enrollments", page=2),
    lambda: transport.ConnectionCut(resource="users", page=2),
]
ROWS: list[MakeFault] = [
    paging.NullCollections,
    paging.BareArray,
    paging.EnvelopeByPath,
    paging.NotFoundWhenEmpty,
    paging.FilterUnsupported,
    paging.FilterIgnored,
    rows.ReferencesAsText,
    rows.BooleansAsText,
    rows.NumbersAsText,
    rows.NullLists,
    rows.NullOptionals,
    rows.SingleValuesInsteadOfLists,
]
SETUP: list[MakeFault] = [
    setup.NoExpiresIn,
    setup.LimitedScopes,
    lambda: setup.LimitedScopes(scopes="roster-core.readonly roster.readonly"),
    lambda: setup.BasePrefix(prefix="/campus/api"),
]


def _name(make: MakeFault) -> str:
    fault = make()
    given = ",".join(f"{key}={value}" for key, value in vars(fault).items() if key != "struck" and value is not None)
    return f"{fault.name()}({given})"


@pytest.fixture(scope="module")
def shared_sis() -> Iterator[SandboxSis]:
    """A SIS for faults that leave nothing behind."""
    with SandboxSis(make_district(100)) as sis:
        yield sis


@contextmanager
def switched_on(sis: SandboxSis, fault: Fault) -> Iterator[None]:
    sis.switch_on(fault)
    try:
        yield
    finally:
        sis.switch_off(fault)


def assert_accepted_without_a_word(settings: Rest, tmp_path: Path, faultless: Tables) -> None:
    extracted = extract_of(extractor(settings), tmp_path / "extract")
    assert tables_of(extracted) == faultless
    assert extracted.findings == []
    assert not any(resource.unstable for resource in extracted.resources.values())


@pytest.mark.parametrize("make_fault", PAGING, ids=_name)
def test_faults_of_paging_and_transport(
    shared_sis: SandboxSis, tmp_path: Path, faultless: Tables, concurrency: int, make_fault: MakeFault
) -> None:
    with switched_on(shared_sis, make_fault()):
        assert_accepted_without_a_word(rest_settings(shared_sis, concurrency=concurrency), tmp_path, faultless)


@pytest.mark.parametrize("make_fault", ROWS, ids=_name)
def test_faults_of_rows(shared_sis: SandboxSis, tmp_path: Path, faultless: Tables, make_fault: MakeFault) -> None:
    with switched_on(shared_sis, make_fault()):
        assert_accepted_without_a_word(rest_settings(shared_sis), tmp_path, faultless)


@pytest.mark.parametrize("make_fault", SETUP, ids=_name)
def test_variants_of_set_up(start_sis: StartSis, tmp_path: Path, faultless: Tables, make_fault: MakeFault) -> None:
    assert_accepted_without_a_word(rest_settings(start_sis(make_fault())), tmp_path, faultless)


def test_tokens_that_run_out_on_the_way_are_renewed(start_sis: StartSis, tmp_path: Path, faultless: Tables) -> None:
    sis = start_sis(setup.ShortTokenLife(seconds=2), transport.SlowAnswers(seconds=0.1))
    assert_accepted_without_a_word(rest_settings(sis, concurrency=1), tmp_path, faultless)
    assert len(sis.requests) - len(rest_paths(sis)) > 1, "one token for all would not be one that runs out"


@pytest.mark.parametrize("make_fault", [paging.SortUnsupported, paging.SortIgnored], ids=_name)
def test_without_an_order_all_rows_come(
    shared_sis: SandboxSis, tmp_path: Path, faultless: Tables, concurrency: int, make_fault: MakeFault
) -> None:
    with switched_on(shared_sis, make_fault()):
        settings = rest_settings(shared_sis, concurrency=concurrency)
        extracted = extract_of(extractor(settings), tmp_path / "extract")
    assert {name: by_id(rows) for name, rows in tables_of(extracted).items()} == {
        name: by_id(rows) for name, rows in faultless.items()
    }
    assert extracted.findings == []


@pytest.mark.parametrize("method", ["HMAC-SHA1", "HMAC-SHA256"])
def test_oauth_1(start_sis: StartSis, tmp_path: Path, faultless: Tables, method: Any) -> None:
    sis = start_sis(setup.Oauth1(signature_method=method))
    extracted = extract_of(extractor(oauth1_settings(sis, method)), tmp_path / "extract")
    assert tables_of(extracted) == faultless


def test_credentials_in_the_form(start_sis: StartSis, tmp_path: Path, faultless: Tables) -> None:
    sis = start_sis(setup.FormBodyCredentials())
    extracted = extract_of(extractor(rest_settings(sis, auth_credentials_in="body")), tmp_path / "extract")
    assert tables_of(extracted) == faultless


def test_missing_status_and_time_are_null(start_sis: StartSis, tmp_path: Path, faultless: Tables) -> None:
    sis = start_sis(rows.StatusMissing(), rows.LastModifiedMissing())
    extracted = extract_of(extractor(rest_settings(sis)), tmp_path / "extract")
    assert tables_of(extracted) == changed(faultless, lambda row: {**row, "status": None, "dateLastModified": None})


def test_letters_of_enumerations_are_kept(start_sis: StartSis, tmp_path: Path, faultless: Tables) -> None:
    sis = start_sis(rows.WrongCaseEnumerations())
    extracted = extract_of(extractor(rest_settings(sis)), tmp_path / "extract")
    names = ("status", "role", "type", "classType")
    assert tables_of(extracted) == changed(
        faultless, lambda row: {key: value.upper() if key in names and value else value for key, value in row.items()}
    )


def test_awkward_ids_are_kept(start_sis: StartSis, tmp_path: Path, faultless: Tables) -> None:
    sis = start_sis(setup.AwkwardSourcedIds())
    tables = tables_of(extract_of(extractor(rest_settings(sis)), tmp_path / "extract"))
    ends = "/a:b%2F#ç d"
    assert [row["sourcedId"] for row in tables["classes"]] == [row["sourcedId"] + ends for row in faultless["classes"]]
    assert all(row["userSourcedId"].endswith(ends) for row in tables["enrollments"])


def test_rows_that_come_twice_are_kept_once(
    start_sis: StartSis, tmp_path: Path, faultless: Tables, concurrency: int
) -> None:
    sis = start_sis(paging.LastRowTwice())
    extracted = extract_of(extractor(rest_settings(sis, concurrency=concurrency)), tmp_path / "extract")
    assert tables_of(extracted) == faultless
    assert {code for code, _ in codes(extracted)} == {"paging.duplicates"}


def test_the_newest_of_two_rows_is_kept(start_service: StartService, tmp_path: Path) -> None:
    collections = {
        "users": [
            {"sourcedId": "a", "dateLastModified": "2026-01-02T00:00:00.000Z", "username": "newer"},
            {"sourcedId": "b", "username": "first"},
            {"sourcedId": "a", "dateLastModified": "2026-01-01T00:00:00.000Z", "username": "older"},
            {"sourcedId": "b", "username": "last"},
            {"username": "no id"},
            {"username": "no id either"},
        ]
    }
    service = start_service(with_token(serving(collections)))
    tables = tables_of(extract_of(extractor(service.settings()), tmp_path / "extract"))
    assert [row["username"] for row in tables["users"] if row["sourcedId"]] == ["newer", "last"]
    # Rows without an id cannot be told from one another; they go on, to be reported one by one.
    assert {row["username"] for row in tables["users"] if not row["sourcedId"]} == {"no id", "no id either"}


def serving(collections: dict[str, list[dict[str, Any]]], **totals: int) -> Callable[[Received], Any]:
    """A service with these collections, and X-Total-Count where a total is given."""

    def answer(request: Received) -> Any:
        name = request.path.rsplit("/", 1)[-1]
        offset, limit = int(request.query["offset"]), int(request.query["limit"])
        headers = {"X_Total_Count": str(totals[name])} if name in totals else {}
        return json({name: collections.get(name, [])[offset : offset + limit]}, **headers)

    return answer


@pytest.mark.parametrize("fault", [rows.RowInsertedWhilePaging, rows.RowDeletedWhilePaging])
def test_a_collection_that_moves_is_read_again(
    start_sis: StartSis, tmp_path: Path, concurrency: int, fault: MakeFault
) -> None:
    sis = start_sis(fault())
    extracted = extract_of(extractor(rest_settings(sis, concurrency=concurrency)), tmp_path / "extract")
    with SandboxSis(sis.district) as settled:
        now = tables_of(extract_of(extractor(rest_settings(settled)), tmp_path / "settled"))
    assert tables_of(extracted) == now
    assert not extracted.resources["users"].unstable
    assert extracted.findings == []


def test_a_collection_that_keeps_moving_is_unstable(start_sis: StartSis, tmp_path: Path, concurrency: int) -> None:
    sis = start_sis(rows.RowInsertedWhilePaging(count=None))
    extracted = extract_of(extractor(rest_settings(sis, concurrency=concurrency)), tmp_path / "extract")
    assert extracted.resources["users"].unstable
    assert not extracted.resources["orgs"].unstable
    assert ("paging.unstable", "user") in codes(extracted)


def test_a_total_that_is_too_great_is_unstable(start_sis: StartSis, tmp_path: Path, faultless: Tables) -> None:
    sis = start_sis(paging.WrongTotal(difference=10))
    extracted = extract_of(extractor(rest_settings(sis)), tmp_path / "extract")
    assert tables_of(extracted) == faultless
    assert all(resource.unstable for resource in extracted.resources.values())
    assert {code for code, _ in codes(extracted)} == {"paging.unstable"}


@pytest.mark.parametrize(
    ("make_fault", "said"),
    [
        (paging.OffsetIgnored, r"ignores the offset \(paging.offset_ignored\)"),
        (transport.CollectionForbidden, r"/users: HTTP 403 \(forbidden: .*The credentials lack access"),
        (transport.FailureToldAsSuccess, "HTTP 200 that reports a failure"),
        (lambda: transport.StopsMidWay(resource="users"), "/users: HTTP 500 .*failed, again and again"),
        (lambda: transport.HtmlAnswer(count=None), "no whole JSON.*login page"),
        (lambda: transport.TruncatedJson(count=None, resource="users"), "/users: the answer is no whole JSON"),
        (lambda: transport.ConnectionCut(count=None, resource="orgs"), "no connection, or it broke"),
        (lambda: transport.RedirectToOtherHost(resource="users", page=2), "another host"),
        (lambda: transport.Unavailable(count=None, resource="courses"), "/courses: HTTP 503"),
        (lambda: transport.UnauthorizedMidRun(count=None), "HTTP 401 .*does not accept it"),
    ],
    ids=lambda value: value if isinstance(value, str) else _name(value),
)
def test_refused_whole(
    shared_sis: SandboxSis, tmp_path: Path, concurrency: int, make_fault: MakeFault, said: str
) -> None:
    with switched_on(shared_sis, make_fault()):
        message = refused(rest_settings(shared_sis, concurrency=concurrency), tmp_path)
    assert re.search(said, message), message
    assert shared_sis.client_secret not in message


@pytest.mark.parametrize("shape", ["openapi", "capitalised", "status_info_set"])
def test_every_shape_of_error_is_explained(start_sis: StartSis, tmp_path: Path, shape: Any) -> None:
    sis = start_sis(setup.ErrorBodies(shape=shape), transport.CollectionForbidden(resource="orgs"))
    assert "(forbidden: orgs is not enabled for this connection)" in refused(rest_settings(sis), tmp_path)


@pytest.mark.rule("OT-010")
def test_a_collection_that_is_not_there_suggests_the_licence(start_sis: StartSis, tmp_path: Path) -> None:
    sis = start_sis()
    settings = rest_settings(sis, endpoint_url=f"{sis.url}/wrong/ims/oneroster/v1p1")
    message = refused(settings, tmp_path)
    assert "HTTP 404" in message
    assert "OneRoster licence or module is probably missing" in message
    assert "nobody is removed because of it" in message


def test_a_404_on_one_of_the_six_is_no_empty_set(start_service: StartService, tmp_path: Path) -> None:
    def answer(request: Received) -> Any:
        name = request.path.rsplit("/", 1)[-1]
        return json({}, 404) if name == "enrollments" else json({name: []})

    message = refused(start_service(with_token(answer)).settings(), tmp_path)
    assert "/enrollments: HTTP 404" in message
    assert "All of enrollments is missing" in message


@pytest.mark.parametrize("body", [{"error": "x"}, "maintenance", {"a": [], "b": []}])
def test_an_answer_that_is_no_collection(start_service: StartService, tmp_path: Path, body: Any) -> None:
    service = start_service(with_token(lambda _: json(body)))
    assert "the answer is no OneRoster collection" in refused(service.settings(), tmp_path)


def test_what_is_no_object_leaves_the_rest_and_is_unstable(start_service: StartService, tmp_path: Path) -> None:
    collections: Any = {"orgs": [{"sourcedId": "a"}, "nonsense"]}
    service = start_service(with_token(serving(collections)))
    extracted = extract_of(extractor(service.settings()), tmp_path / "extract")
    assert [row["sourcedId"] for row in tables_of(extracted)["orgs"]] == ["a"]
    assert codes(extracted) == [("row.not_an_object", "org")]
    assert extracted.resources["orgs"].unstable


def test_an_empty_district(start_service: StartService, tmp_path: Path) -> None:
    service = start_service(with_token(serving({}, users=0)))
    extracted = extract_of(extractor(service.settings()), tmp_path / "extract")
    assert {name: rows for name, rows in tables_of(extracted).items() if rows} == {}


def test_progress_is_told_with_the_total(start_sis: StartSis, tmp_path: Path, faultless: Tables) -> None:
    told: list[tuple[str, int, int | None]] = []
    destination = tmp_path / "extract"
    destination.mkdir()
    extractor(rest_settings(start_sis())).extract(destination, lambda *args: told.append(args))
    count = len(faultless["users"])
    assert ("users", count, count) in told
    numbers = [rows for name, rows, _ in told if name == "users"]
    assert numbers == sorted(numbers)


def test_passwords_are_dropped(start_service: StartService, tmp_path: Path) -> None:
    collections = {
        "users": [{"sourcedId": "a", "password": "hunter2-secret", "metadata": {"userPassword": "hunter2-"}}]
    }
    service = start_service(with_token(serving(collections)))
    extracted = extract_of(extractor(service.settings()), tmp_path / "extract")
    assert "hunter2" not in repr(tables_of(extracted))
    assert b"hunter2" not in extracted.resources["users"].path.read_bytes()

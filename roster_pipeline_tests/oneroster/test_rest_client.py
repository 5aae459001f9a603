import itertools
import threading
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.responses import Response

from roster_pipeline.oneroster.errors import CredentialsError, RestError
from roster_pipeline.oneroster.rest_client import RestClient, segment
from roster_pipeline.oneroster.retry import RetryPolicy
from roster_pipeline.sandbox.sis.faults.rows import Fault
from roster_pipeline.sandbox.sis.faults.setup import AwkwardSourcedIds, Oauth1
from roster_pipeline_tests.oneroster.conftest import StartService, StartSis
from roster_pipeline_tests.oneroster.services import (
    QUICK,
    Received,
    ScriptedService,
    json,
    oauth1_settings,
    rest_settings,
    with_token,
)

START = "/ims/oneroster/v1p1/"


def reads(service: ScriptedService) -> list[Received]:
    """The requests beside those for tokens."""
    return [request for request in service.requests if request.path != "/token"]


def in_turn(*answers: Response) -> Callable[[Received], Response]:
    """Answers in turn; the last one for ever."""
    left: Iterator[Response] = itertools.chain(answers[:-1], itertools.repeat(answers[-1]))
    return lambda _: next(left)


def failing(service: ScriptedService, policy: RetryPolicy = QUICK) -> RestError:
    with RestClient(service.settings(), policy=policy) as client, pytest.raises(RestError) as caught:
        client.get("orgs")
    return caught.value


GOOD = json({"orgs": []})


@pytest.mark.parametrize(
    "bad",
    [pytest.param(Response("", status), id=str(status)) for status in (408, 429, 500, 502, 503, 504)]
    + [
        pytest.param(Response("<!DOCTYPE html><html>Sign in</html>", 200, media_type="text/html"), id="HTML"),
        pytest.param(Response('{"orgs": [{"sourcedId": "o', 200, media_type="application/json"), id="cut JSON"),
    ],
)
def test_what_may_pass_is_tried_again(start_service: StartService, bad: Response) -> None:
    service = start_service(with_token(in_turn(bad, bad, GOOD)))
    with RestClient(service.settings(), policy=QUICK) as client:
        assert client.get("orgs").body == {"orgs": []}
    assert len(reads(service)) == 3


@pytest.mark.parametrize("status", [400, 403, 404, 405, 409, 422, 501])
def test_what_will_not_pass_is_not_tried_again(start_service: StartService, status: int) -> None:
    service = start_service(with_token(in_turn(json({}, status))))
    error = failing(service)
    assert error.status == status
    assert str(error).startswith(f"{service.endpoint_url}/orgs: HTTP {status}")
    assert len(reads(service)) == 1


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (403, "The credentials lack access: have the SIS share .* grant connection.auth.scopes"),
        (404, "the SIS's OneRoster licence or module is probably missing"),
        (429, "lower connection.concurrency"),
        (500, "failed, again and again"),
        (503, "not available, again and again"),
        (504, "lower connection.page_size"),
    ],
)
def test_a_failure_says_what_to_do(start_service: StartService, status: int, said: str) -> None:
    body = {"statusInfoSet": [{"imsx_codeMajor": "failure", "imsx_codeMinor": "code", "imsx_description": "words"}]}
    service = start_service(with_token(in_turn(json(body, status))))
    with (
        RestClient(service.settings(), policy=QUICK) as client,
        pytest.raises(RestError, match=rf"HTTP {status} \(code: words\)\. .*{said}") as caught,
    ):
        client.get("orgs")
    assert caught.value.info.code_minor == "code"


def test_tries_are_bounded(start_service: StartService) -> None:
    service = start_service(with_token(in_turn(Response("", 503))))
    failing(service, RetryPolicy(attempts=4, first_wait=0.001))
    assert len(reads(service)) == 4


def test_success_that_tells_of_a_failure(start_service: StartService) -> None:
    body = {"statusInfoSet": [{"imsx_codeMajor": "failure", "imsx_codeMinor": "targetreadfailure"}]}
    service = start_service(with_token(in_turn(json(body))))
    assert "HTTP 200 that reports a failure (targetreadfailure)" in str(failing(service))
    assert len(reads(service)) == 1


def test_warnings_beside_data_are_passed_over(start_service: StartService) -> None:
    warning = {"imsx_codeMajor": "success", "imsx_severity": "warning", "imsx_codeMinor": "invalid_sort_field"}
    service = start_service(with_token(in_turn(json({"statusInfoSet": [warning], "orgs": []}))))
    with RestClient(service.settings(), policy=QUICK) as client:
        info = client.get("orgs").info
    assert info is not None
    assert info.code_minor == "invalid_sort_field"


def test_what_the_server_asks_to_wait_holds_all_threads(start_service: StartService) -> None:
    busy = in_turn(Response("", 429, {"Retry-After": "1"}), GOOD)
    service = start_service(with_token(busy))
    with RestClient(service.settings()) as client:
        first = threading.Thread(target=client.get, args=["orgs"])
        first.start()
        while len(reads(service)) < 1:
            first.join(0.01)
        client.get("users")
        first.join()
    assert [request.path for request in reads(service)].count(START + "users") == 1
    assert len(reads(service)) == 3


def test_stop_ends_the_waits(start_service: StartService) -> None:
    service = start_service(with_token(in_turn(Response("", 503, {"Retry-After": "100"}))))
    with RestClient(service.settings()) as client:
        threading.Timer(0.1, client.stop).start()
        with pytest.raises(RestError, match="HTTP 503"):
            client.get("orgs")


def test_credentials_are_never_sent_to_another_host(start_service: StartService) -> None:
    other = start_service(with_token(in_turn(GOOD)))
    redirect = Response("", 302, {"Location": f"{other.url}/ims/oneroster/v1p1/orgs"})
    service = start_service(with_token(in_turn(redirect)))
    error = failing(service)
    assert "another host, where credentials are not sent" in str(error)
    assert other.requests == []


def test_a_redirect_on_the_same_host_is_followed(start_service: StartService) -> None:
    service = start_service(with_token(in_turn(Response("", 307, {"Location": "orgs/"}), GOOD)))
    with RestClient(service.settings(), policy=QUICK) as client:
        assert client.get("orgs").status == 200
    first, second = reads(service)
    assert second.path == first.path + "/"
    assert second.headers["authorization"] == first.headers["authorization"]


def test_redirects_in_a_circle_end(start_service: StartService) -> None:
    service = start_service(with_token(in_turn(Response("", 302, {"Location": "orgs"}))))
    assert failing(service).status == 302
    assert len(reads(service)) == 4


def test_a_write_is_not_redirected(start_service: StartService) -> None:
    service = start_service(with_token(in_turn(Response("", 307, {"Location": "elsewhere"}))))
    with RestClient(service.settings(), policy=QUICK) as client, pytest.raises(RestError):
        client.request("PUT", "results/1", body=b"{}")
    assert len(reads(service)) == 1


def test_nobody_there(start_service: StartService) -> None:
    service = start_service(with_token(in_turn(GOOD)))
    nobody = service.settings(endpoint_url="http://127.0.0.1:9/ims/oneroster/v1p1")
    with RestClient(nobody, policy=QUICK) as client, pytest.raises(RestError, match="no connection") as caught:
        client.get("orgs")
    assert caught.value.status is None
    assert not caught.value.timed_out


def test_no_answer_in_time(start_service: StartService) -> None:
    release = threading.Event()

    def slow(_: Received) -> Response:
        release.wait(10)
        return GOOD

    service = start_service(with_token(slow))
    with (
        RestClient(service.settings(timeout_seconds=0.1), policy=RetryPolicy(attempts=1)) as client,
        pytest.raises(RestError, match="no answer in time") as caught,
    ):
        # The token comes from the same service, which answers nothing else while it is slow.
        client.get("orgs")
    release.set()
    assert caught.value.timed_out


@pytest.mark.parametrize("body", [b"", b"no JSON", b'{"result": {}}'])
@pytest.mark.parametrize("status", [200, 201, 204])
def test_a_write_succeeds_by_its_status(start_service: StartService, status: int, body: bytes) -> None:
    content = b"" if status == 204 else body
    service = start_service(with_token(in_turn(Response(content, status))))
    with RestClient(service.settings(), policy=QUICK) as client:
        answer = client.request("PUT", "results/1", body=b'{"result":{}}')
    assert answer.status == status
    written = reads(service)[0]
    assert (written.method, written.body) == ("PUT", b'{"result":{}}')
    assert written.headers["content-type"] == "application/json"


def test_a_write_may_be_tried_less_often(start_service: StartService) -> None:
    service = start_service(with_token(in_turn(Response("", 500))))
    with RestClient(service.settings(), policy=QUICK) as client, pytest.raises(RestError):
        client.request("DELETE", "results/1", attempts=2)
    assert [request.method for request in reads(service)] == ["DELETE", "DELETE"]


def test_a_refused_write_says_no_more_than_its_code(start_service: StartService) -> None:
    body = {
        "statusInfoSet": [{"imsx_codeMajor": "failure", "imsx_codeMinor": "invalid data", "imsx_description": "Zoe"}]
    }
    service = start_service(with_token(in_turn(json(body, 422))))
    with (
        RestClient(service.settings(), policy=QUICK) as client,
        pytest.raises(RestError, match=r"HTTP 422 \(invalid data\)") as caught,
    ):
        client.request("PUT", "results/1", body=b"{}")
    assert "Zoe" not in str(caught.value)
    assert caught.value.info.description == "Zoe"


def test_no_more_requests_and_connections_than_concurrency(start_service: StartService) -> None:
    service = start_service(with_token(in_turn(GOOD)))
    with RestClient(service.settings(concurrency=2), policy=QUICK) as client:
        threads = [threading.Thread(target=client.get, args=["orgs"]) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(reads(service)) == 12
    assert len({request.port for request in reads(service)}) <= 2


def test_nothing_is_asked_for_after_a_stop(start_service: StartService) -> None:
    service = start_service(with_token(in_turn(GOOD)))
    with RestClient(service.settings(), policy=QUICK) as client:
        client.stop()
        with pytest.raises(RestError, match="the extract was stopped"):
            client.get("orgs")
    assert service.requests == []


@pytest.mark.parametrize("fault", [None, Oauth1()], ids=["oauth2", "oauth1"])
def test_awkward_ids_arrive_as_they_are(start_sis: StartSis, fault: Fault | None) -> None:
    sis = start_sis(AwkwardSourcedIds(), *([fault] if fault else []))
    settings_ = oauth1_settings(sis) if fault else rest_settings(sis)
    with RestClient(settings_, policy=QUICK) as client:
        listed = client.get("classes", {"limit": 5}).body["classes"]
        for row in listed:
            found = client.get(f"classes/{segment(row['sourcedId'])}").body["class"]
            assert found["sourcedId"] == row["sourcedId"]
    assert "/" in listed[0]["sourcedId"]
    assert " " in listed[0]["sourcedId"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sourced_id=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20))
def test_a_segment_holds_unreserved_characters_only(sourced_id: str) -> None:
    encoded = segment(sourced_id)
    assert set(encoded) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%")


def test_a_wrong_certificate_is_told(start_service: StartService, tls_service_url: str) -> None:
    service = start_service(with_token(in_turn(GOOD)))
    with (
        RestClient(service.settings(endpoint_url=tls_service_url), policy=QUICK) as client,
        pytest.raises(RestError, match=r"no trusted TLS connection .*certificate renewed") as caught,
    ):
        client.get("orgs")
    assert not isinstance(caught.value, CredentialsError)
    assert not caught.value.retryable

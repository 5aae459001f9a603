import multiprocessing
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import orjson
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from pydantic import SecretStr

from roster_pipeline.brightspace.auth import AssertionSource, RefreshTokenSource
from roster_pipeline.brightspace.client import BrightspaceClient
from roster_pipeline.brightspace.errors import SignInError, UnavailableError
from roster_pipeline.sandbox.brightspace.faults import CutConnection, ServerErrors
from roster_pipeline.sandbox.brightspace_server import SandboxBrightspace
from roster_pipeline.settings.brightspace import ClientAssertion, RefreshToken

from .conftest import Connect, settings_for


def refresh_settings(brightspace: SandboxBrightspace) -> RefreshToken:
    auth = settings_for(brightspace).auth
    assert isinstance(auth, RefreshToken)
    return auth


def test_the_next_refresh_token_is_on_disk_before_the_access_token_is_used(
    brightspace: SandboxBrightspace, tmp_path: Path
) -> None:
    first = brightspace.refresh_token
    file = tmp_path / "tokens" / "token.json"
    RefreshTokenSource(refresh_settings(brightspace), file).token()
    assert orjson.loads(file.read_bytes())["refresh_token"] == brightspace.refresh_token != first
    assert first.encode() not in file.read_bytes()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [stat.S_IMODE(path.stat().st_mode) for path in file.parent.glob("*.lock")] in ([], [0o600])


def test_a_later_run_goes_on_with_the_token_of_the_earlier(brightspace: SandboxBrightspace, tmp_path: Path) -> None:
    settings, file = refresh_settings(brightspace), tmp_path / "token.json"
    tokens = {RefreshTokenSource(settings, file).token() for _ in range(3)}
    assert len(tokens) == 3


def test_one_token_serves_all_threads(brightspace: SandboxBrightspace, tmp_path: Path) -> None:
    source = RefreshTokenSource(refresh_settings(brightspace), tmp_path / "token.json")
    with ThreadPoolExecutor(8) as pool:
        tokens = set(pool.map(lambda _: source.token(), range(40)))
    assert len(tokens) == 1
    assert brightspace.service.authorization.grants == 1


def test_a_token_is_renewed_before_it_ends(tmp_path: Path) -> None:
    with SandboxBrightspace(token_life=1) as brightspace:
        source = RefreshTokenSource(refresh_settings(brightspace), tmp_path / "token.json")
        first = source.token()
        assert source.token() == first
        threading.Event().wait(0.85)
        assert source.token() != first


def _refresh_in_a_process(settings: RefreshToken, file: Path, count: int) -> None:
    for _ in range(count):
        RefreshTokenSource(settings, file).token()


def test_processes_never_use_a_refresh_token_twice(brightspace: SandboxBrightspace, tmp_path: Path) -> None:
    settings, file = refresh_settings(brightspace), tmp_path / "token.json"
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_refresh_in_a_process, args=(settings, file, 5)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert brightspace.service.authorization.grants == 15


def test_a_new_first_token_wins_over_the_stored_one(brightspace: SandboxBrightspace, tmp_path: Path) -> None:
    file = tmp_path / "token.json"
    RefreshTokenSource(refresh_settings(brightspace), file).token()
    brightspace.application.refresh_token = "signed-in-again"
    RefreshTokenSource(refresh_settings(brightspace), file).token()
    assert orjson.loads(file.read_bytes())["refresh_token"] == brightspace.refresh_token


def test_a_lost_refresh_token_asks_for_a_person_and_tells_no_secret(
    brightspace: SandboxBrightspace, tmp_path: Path
) -> None:
    settings = refresh_settings(brightspace)
    brightspace.application.refresh_token = "somebody-else-used-it"
    with pytest.raises(SignInError, match="administrator sign in again") as caught:
        RefreshTokenSource(settings, tmp_path / "token.json").token()
    told = repr(caught.getrepr(style="long"))
    assert settings.refresh_token.get_secret_value() not in told
    assert settings.client_secret.get_secret_value() not in told


def test_a_spoilt_token_file_says_what_to_do(brightspace: SandboxBrightspace, tmp_path: Path) -> None:
    file = tmp_path / "token.json"
    file.write_text("{")
    with pytest.raises(SignInError, match=r"token\.json: cannot be read"):
        RefreshTokenSource(refresh_settings(brightspace), file).token()


def test_a_refresh_is_not_repeated_when_its_answer_is_lost(brightspace: SandboxBrightspace, tmp_path: Path) -> None:
    source = RefreshTokenSource(refresh_settings(brightspace), tmp_path / "token.json")
    with brightspace.fault(CutConnection("/token$")), pytest.raises(UnavailableError):
        source.token()
    assert brightspace.service.authorization.grants == 1


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_a_signed_assertion_opens(algorithm: str, tmp_path: Path) -> None:
    key = (
        ec.generate_private_key(ec.SECP256R1())
        if algorithm == "ES256"
        else rsa.generate_private_key(public_exponent=65537, key_size=2048)
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    with SandboxBrightspace(public_keys={"k1": public.decode()}) as brightspace:
        auth = ClientAssertion.model_validate(
            {
                "kind": "client_assertion",
                "token_url": brightspace.token_url,
                "client_id": brightspace.client_id,
                "key_id": "k1",
                "private_key": SecretStr(private.decode()),
                "algorithm": algorithm,
            }
        )
        settings = settings_for(brightspace).model_copy(update={"auth": auth})
        with brightspace.fault(ServerErrors("/token$", times=2)):
            client = BrightspaceClient.connect(settings, tmp_path / "unused.json")
            assert client.people.service_user_id() == brightspace.service.service_user_id
        wrong = auth.model_copy(update={"key_id": "k2"})
        with pytest.raises(SignInError, match="invalid_client"):
            AssertionSource(wrong).token()
    assert not (tmp_path / "unused.json").exists()


def test_a_key_that_is_none_is_not_told() -> None:
    auth = ClientAssertion.model_validate(
        {
            "kind": "client_assertion",
            "token_url": "https://auth.brightspace.example/token",
            "client_id": "x",
            "key_id": "k1",
            "private_key": SecretStr("-----BEGIN PRIVATE KEY-----\nSECRET\n-----END PRIVATE KEY-----"),
        }
    )
    with pytest.raises(SignInError, match=r"brightspace\.auth\.private_key") as caught:
        AssertionSource(auth).token()
    assert "SECRET" not in str(caught.value)


def test_a_refused_token_is_renewed_once_for_all_threads(brightspace: SandboxBrightspace, connect: Connect) -> None:
    client = connect()
    client.organization.types()
    brightspace.service.authorization.revoke_all()
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: client.people.service_user_id(), range(6)))
    assert set(found) == {brightspace.service.service_user_id}
    assert brightspace.service.authorization.grants == 2


def test_a_token_that_stays_refused_is_told(brightspace: SandboxBrightspace, connect: Connect) -> None:
    brightspace.service.authorization.life = -1
    with pytest.raises(SignInError, match="401"):
        connect().people.service_user_id()

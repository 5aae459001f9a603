"""Which connection settings a test has found good: without a test of the present ones some exports do not start."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime

import orjson
from pydantic import BaseModel, SecretStr

from roster_pipeline.settings.connection import Connection
from roster_pipeline.warehouse.connection import Session

#: How a connection is used, which no credential hangs on.
_PACE = {"page_size", "concurrency", "timeout_seconds"}


def record_test(
    session: Session,
    connection: Connection,
    scopes: Sequence[str],
    run_id: str,
    *,
    passed: bool,
    steps: Sequence[str],
) -> None:
    """Put a test of `connection`, tried with the grade scopes `scopes`, on record."""
    salt = _salt(session) or secrets.token_hex(16)
    session.execute(
        "INSERT INTO sync.connection_tests (source_id, run_id, tested_at, passed, steps, salt, fingerprint) VALUES "
        "(getvariable('source_id'), $run_id, $now, $passed, $steps, $salt, $fingerprint)",
        {
            "run_id": run_id,
            "now": datetime.now(UTC).replace(tzinfo=None),
            "passed": passed,
            "steps": list(steps),
            "salt": salt,
            "fingerprint": _fingerprint(connection, scopes, salt),
        },
    )


def is_tested(session: Session, connection: Connection, scopes: Sequence[str]) -> bool:
    """Whether a test of just these settings has passed."""
    salt = _salt(session)
    return salt is not None and bool(
        session.execute(
            "SELECT 1 FROM sync.connection_tests "
            "WHERE source_id = getvariable('source_id') AND passed AND fingerprint = $fingerprint LIMIT 1",
            {"fingerprint": _fingerprint(connection, scopes, salt)},
        )
    )


def _salt(session: Session) -> str | None:
    """The salt of the source's fingerprints; None before the first."""
    rows = session.execute("SELECT min(salt) FROM sync.connection_tests WHERE source_id = getvariable('source_id')")
    salt: str | None = rows[0][0]
    return salt


def _fingerprint(connection: Connection, scopes: Sequence[str], salt: str) -> str:
    """A secret is part of it: slow to compute on purpose, so that nobody guesses the secret from it."""
    settings = {name: value for name, value in _plain(connection).items() if name not in _PACE}
    text = orjson.dumps({"connection": settings, "scopes": sorted(scopes)}, option=orjson.OPT_SORT_KEYS)
    return hashlib.scrypt(text, salt=bytes.fromhex(salt), n=2**14, r=8, p=1).hex()


def _plain(section: BaseModel) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in section:
        if isinstance(value, SecretStr):
            found[name] = value.get_secret_value()
        else:
            found[name] = _plain(value) if isinstance(value, BaseModel) else value
    return found

"""A sandbox tenant in a process of its own, so that it does not share an interpreter with what is measured."""

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import orjson

from roster_pipeline.sandbox.brightspace.rate_limit import RateLimit
from roster_pipeline.sandbox.brightspace_server import SandboxBrightspace
from roster_pipeline.sandbox.brightspace_tenant import Tenant


class TenantProcess:
    """Where the tenant is, how to get in, and what it was asked."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.url, self.token_url, self.client_id, self.client_secret, self.refresh_token = self._line().split()

    def calls(self) -> Counter[str]:
        """The calls since the last time this was asked, by method and path without ids."""
        assert self._process.stdin is not None
        self._process.stdin.write("calls\n")
        self._process.stdin.flush()
        return Counter(orjson.loads(self._line()))

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


@contextmanager
def tenant_process() -> Iterator[TenantProcess]:
    """A tenant that refuses nobody for asking too much, as long as the block lasts."""
    command = [sys.executable, "-m", __name__]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield TenantProcess(process)
        assert process.stdin is not None
        process.stdin.close()


def _serve() -> None:
    with SandboxBrightspace(Tenant(), rate_limit=RateLimit(budget=10**12)) as tenant:
        _tell(f"{tenant.url} {tenant.token_url} {tenant.client_id} {tenant.client_secret} {tenant.refresh_token}")
        for _ in sys.stdin:
            told, tenant.service.requests = tenant.service.requests, []
            _tell(
                orjson.dumps(Counter(f"{each.method} {re.sub(r'/[0-9]+', '/#', each.path)}" for each in told)).decode()
            )


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _serve()

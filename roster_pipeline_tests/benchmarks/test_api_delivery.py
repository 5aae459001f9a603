"""A district's first delivery over Brightspace's API, beside a plain client that makes one call for each record.

ROSTER_BENCHMARK_STUDENTS sets the district's size. The tenant runs in a process of its own and takes as many calls as
it can: a real one takes 5,000 a minute, so that what counts there is the number of calls, which is printed too.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import requests

from roster_pipeline.brightspace.auth import token_source
from roster_pipeline.sandbox.csv_bundle import write_csv_bundle
from roster_pipeline.sandbox.generator import made_up_objects
from roster_pipeline_tests.brightspace.tenant_process import TenantProcess, tenant_process
from roster_pipeline_tests.pipeline import SOURCE, Pipeline

pytestmark = pytest.mark.benchmark

STUDENTS = int(os.environ.get("ROSTER_BENCHMARK_STUDENTS", "20000"))
CONNECTIONS = 8
#: The plain client delivers one record in so many: all of them would take too long.
SAMPLE = 20
#: Peak memory of the delivering process, MiB.
MEMORY = 1024
#: Calls a minute that a real tenant takes.
REAL_CALLS = 5000

Call = tuple[str, Any]


def test_first_delivery_beside_a_plain_client(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_csv_bundle(made_up_objects(STUDENTS, today=date(2026, 11, 23), seed=1, years=1), tmp_path / "home" / "feed")
    with tenant_process() as tenant:
        pipeline = _pipeline(tmp_path / "home", tenant)
        first = pipeline.night(deliver=False)
        told = _deliver(pipeline, first.run_id)
        calls = tenant.calls()
        ours = sum(told["rows"].values()) / told["seconds"]
        token = _token(pipeline)
        sample = _plain_calls(pipeline, tenant, token)
        plain = len(sample) / _plain_client(tenant, token, sample)
        tenant.calls()
        second = pipeline.night()
        quiet = tenant.calls()
    with capsys.disabled():
        print(  # noqa: T201 - the figures are the result
            f"\n{STUDENTS:,} students: {sum(told['rows'].values()):,} rows in {told['seconds']:.0f} s, "
            f"{ours:,.0f} rows/s beside {plain:,.0f} of a plain client on {len(sample):,} of them "
            f"(ratio {ours / plain:.2f}); peak {told['peak']:.0f} MiB\n"
            f"{calls.total():,} calls, at least {calls.total() / REAL_CALLS:.0f} minutes at a real tenant"
        )
        for call, times in calls.most_common():
            print(f"  {times:>9,} {call}")  # noqa: T201
        print(f"the night after: {quiet.total()} calls")  # noqa: T201
    assert told["failed"] == 0
    assert sum(told["rows"].values()) == sum(sum(actions.values()) for actions in first.delta.values())
    assert not any(any(actions.values()) for actions in second.delta.values())
    assert quiet.total() == 0
    assert told["peak"] < MEMORY
    assert ours >= plain


def _pipeline(home: Path, tenant: TenantProcess) -> Pipeline:
    os.environ["BRIGHTSPACE_SECRET"] = tenant.client_secret
    os.environ["BRIGHTSPACE_REFRESH_TOKEN"] = tenant.refresh_token
    auth = {
        "kind": "refresh_token",
        "token_url": tenant.token_url,
        "client_id": tenant.client_id,
        "client_secret": "${BRIGHTSPACE_SECRET}",
        "refresh_token": "${BRIGHTSPACE_REFRESH_TOKEN}",
    }
    brightspace = {"url": tenant.url, "auth": auth, "concurrency": CONNECTIONS}
    return Pipeline(home, {"delivery": {"route": "api"}, "brightspace": brightspace})


def _deliver(pipeline: Pipeline, run_id: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "roster_pipeline_tests.benchmarks.api_delivery_process"]
    done = subprocess.run([*command, pipeline.home.root, run_id], check=True, stdout=subprocess.PIPE, text=True)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def _token(pipeline: Pipeline) -> str:
    brightspace = pipeline.settings.brightspace
    assert brightspace is not None
    return token_source(brightspace, pipeline.home.root / "tokens" / f"{SOURCE}.json").token()


def _plain_calls(pipeline: Pipeline, tenant: TenantProcess, token: str) -> list[Call]:
    """One call for each record of a sample: creations of the same, under another code or login, and enrollments."""
    ids = {
        (row["kind"], row["sourced_id"]): row["brightspace_id"]
        for row in pipeline.rows("sync.mappings", school_year=None)
    }
    types = {each["Name"].lower(): each["Id"] for each in _get(tenant, token, "/outypes/")}
    roles = {each["DisplayName"]: int(each["Identifier"]) for each in _get(tenant, token, "/roles/")}

    def id_of(key: str) -> int:
        kind, _, sourced_id = key.partition(":")
        id_: int = ids[kind, sourced_id]
        return id_

    def calls() -> Iterator[Call]:
        for row in _sample(pipeline, "org_units"):
            unit, kind = row["after"], row["kind"]
            block = {"Name": unit["name"], "Code": f"{unit['delivery_code'][:44]}-plain"}
            parents = [id_of(key) for key in unit["parents"] if not key.startswith("organization:")]
            above = {
                key.partition(":")[0]: id_of(key) for key in unit["parents"] if not key.startswith("organization:")
            }
            text = {"Content": "", "Type": "Html"}
            if kind == "course_template":
                yield "/coursetemplates/", {**block, "Path": "", "ParentOrgUnitIds": parents}
            elif kind == "course_offering":
                yield (
                    "/courses/",
                    {
                        **block,
                        "Path": "",
                        "CourseTemplateId": above["course_template"],
                        "SemesterId": None,
                        "StartDate": None,
                        "EndDate": None,
                        "Description": text,
                    },
                )
            elif kind == "section":
                yield f"/{above['course_offering']}/sections/", {**block, "Description": text}
            else:
                type_id = types[unit["org_unit_type"].lower()]
                yield "/orgstructure/", {**block, "Type": type_id, "Parents": parents}
        for row in _sample(pipeline, "users"):
            person = row["after"]
            yield (
                "/users/",
                {
                    "OrgDefinedId": f"{person['org_defined_id']}-plain",
                    "FirstName": person["first_name"],
                    "LastName": person["last_name"],
                    "UserName": f"{person['username']}-plain",
                    "ExternalEmail": person["email"],
                    "RoleId": roles[person["role"]],
                    "IsActive": True,
                    "SendCreationEmail": False,
                },
            )
        for row in _sample(pipeline, "enrollments"):
            user, unit_key = ids["user", row["user_sourced_id"]], row["org_unit_key"]
            if unit_key.startswith("section:"):
                offering = id_of(unit_key.replace("section:", "course_offering:"))
                yield f"/{offering}/sections/{id_of(unit_key)}/enrollments/", {"UserId": user}
            else:
                role = roles[row["after"]["role"]]
                yield "/enrollments/", {"OrgUnitId": id_of(unit_key), "UserId": user, "RoleId": role}
        for row in _sample(pipeline, "relationships"):
            guardian, student = ids["user", row["guardian_sourced_id"]], ids["user", row["student_sourced_id"]]
            yield f"le/1.82/auditing/auditors/{guardian}/auditees/", student

    return list(calls())


def _sample(pipeline: Pipeline, table: str) -> list[dict[str, Any]]:
    return pipeline.rows(f"delta.{table}", f"hash({table}::VARCHAR) % {SAMPLE} = 0")


def _plain_client(tenant: TenantProcess, token: str, calls: list[Call]) -> float:
    """Seconds for the calls, on as many connections, each kept alive by a thread of its own."""
    ahead = iter(calls)
    lock = threading.Lock()
    statuses: Counter[int] = Counter()

    def work() -> None:
        with requests.Session() as session:
            session.headers["Authorization"] = f"Bearer {token}"
            while True:
                with lock:
                    call = next(ahead, None)
                if call is None:
                    return
                path, body = call
                answer = session.post(_address(tenant, path), json=body, timeout=60)
                with lock:
                    statuses[answer.status_code] += 1

    started = time.monotonic()
    threads = [threading.Thread(target=work) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.monotonic() - started
    assert set(statuses) == {200}, statuses
    return seconds


def _get(tenant: TenantProcess, token: str, path: str) -> Any:
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(_address(tenant, path), headers=headers, timeout=60).json()


def _address(tenant: TenantProcess, path: str) -> str:
    return f"{tenant.url}/d2l/api/{path if path.startswith('le/') else f'lp/1.49{path}'}"

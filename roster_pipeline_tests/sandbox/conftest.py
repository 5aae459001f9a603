from collections.abc import Iterator

import pytest

from roster_pipeline.sandbox.district import District
from roster_pipeline.sandbox.generator import make_district
from roster_pipeline.sandbox.objects import Enrollment
from roster_pipeline.sandbox.sis_server import SandboxSis

from .client import Client
from .gradebook_bodies import CLASS


@pytest.fixture
def district() -> District:
    return make_district(200)


@pytest.fixture(scope="module")
def shared_client() -> Iterator[Client]:
    """A client of a server that a module's tests share; they leave its data as they found it."""
    with SandboxSis(make_district(200)) as sis:
        client = Client(sis)
        with client.session:
            yield client


@pytest.fixture
def client(district: District) -> Iterator[Client]:
    """A client of a server of the test's own."""
    with SandboxSis(district) as sis:
        client = Client(sis)
        with client.session:
            yield client


@pytest.fixture
def pupil(district: District) -> str:
    """A student of the class that the bodies name."""
    return next(
        e.user_sourced_id
        for e in district.all(Enrollment).values()
        if e.class_sourced_id == CLASS and e.role == "student"
    )

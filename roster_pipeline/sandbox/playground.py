"""The sandbox as a whole: its servers, the environment that source files find them by, its example sources."""

import os
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from datetime import date
from importlib import resources
from pathlib import Path

from roster_pipeline.home import Home, private_folder
from roster_pipeline.sandbox.district import District
from roster_pipeline.sandbox.generator import make_district
from roster_pipeline.sandbox.gradebook_files import first_graded_class, write_gradebook
from roster_pipeline.sandbox.objects import Enrollment, User
from roster_pipeline.sandbox.sis.faults import Fault
from roster_pipeline.sandbox.sis_server import SandboxSis

#: Classes whose gradebooks are kept; more take longer and show nothing new.
GRADED_CLASSES = 40
#: The source of the example district that the sandbox's SIS serves.
EXAMPLE = "maple"


def environment(sis: SandboxSis) -> dict[str, str]:
    """What the example source file looks up."""
    return {
        "SANDBOX_SIS_ENDPOINT": sis.endpoint_url,
        "SANDBOX_SIS_TOKEN_URL": sis.token_url,
        "SANDBOX_SIS_CLIENT_ID": sis.client_id,
        "SANDBOX_SIS_CLIENT_SECRET": sis.client_secret,
        "SANDBOX_TEACHER": teacher_of(sis.district, first_graded_class(sis.district).sourced_id).username,
    }


@contextmanager
def playground(
    home: Home, *, students: int, today: date, port: int = 0, faults: Iterable[Fault] = ()
) -> Generator[SandboxSis]:
    """Run the sandbox's servers, with the example source in place and its variables in this process's environment."""
    place_example(home, EXAMPLE)
    district = make_district(students, today=today)
    write_gradebook(district, gradebook_folder(home), classes=GRADED_CLASSES)
    with SandboxSis(district, port=port, faults=faults) as sis:
        before = {name: os.environ.get(name) for name in environment(sis)}
        os.environ.update(environment(sis))
        try:
            yield sis
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name)
                else:
                    os.environ[name] = value


def gradebook_folder(home: Home) -> Path:
    """Where the example's teachers keep their gradebooks."""
    return home.root / "gradebook" / EXAMPLE


def teacher_of(district: District, class_id: str) -> User:
    """The lead teacher of a class."""
    return next(
        district.get(User, enrollment.user_sourced_id)
        for enrollment in district.all(Enrollment).values()
        if enrollment.class_sourced_id == class_id and enrollment.role == "teacher" and enrollment.primary
    )


def place_example(home: Home, source_id: str) -> None:
    """Put an example source file into the home unless there is one of that name."""
    path = private_folder(home.sources) / f"{source_id}.yaml"
    if not path.exists():
        example = resources.files("roster_pipeline.sandbox").joinpath(f"sources/{source_id}.yaml")
        path.write_text(example.read_text("utf-8"), "utf-8")

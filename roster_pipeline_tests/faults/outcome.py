"""What a series of nights left behind, in a form in which two series can be compared."""

import csv
import io
import zipfile
from dataclasses import dataclass
from typing import Any

from roster_pipeline.delivery.routes import deliver, settle
from roster_pipeline.warehouse.delta import build_delta
from roster_pipeline_tests.pipeline import DAY, SOURCE, YEAR, Pipeline


@dataclass(frozen=True)
class Outcome:
    """Mappings, audit log and bundles, without times and ids of runs."""

    mappings: list[tuple[Any, ...]]
    audit_log: list[tuple[Any, ...]]
    bundles: list[dict[str, list[dict[str, str]]]]
    """Oldest first: lines by file."""


def outcome(pipeline: Pipeline) -> Outcome:
    """What a pipeline has delivered and knows of it."""
    with pipeline.warehouse.transaction(SOURCE, YEAR) as session:
        mappings = session.execute("SELECT kind, sourced_id, code, fields FROM sync.mappings ORDER BY ALL")
        audit_log = session.execute(
            "SELECT kind, sourced_id, name, action, before, after, outcome FROM sync.audit_log ORDER BY ALL"
        )
    paths = sorted(pipeline.home.outbox(SOURCE).glob("*.zip"))
    bundles = []
    for path in paths:
        with zipfile.ZipFile(path) as archive:
            bundles.append(
                {
                    name.split(" - ")[1]: list(csv.DictReader(io.StringIO(archive.read(name).decode())))
                    for name in sorted(archive.namelist())
                    if name.endswith(".csv")
                }
            )
    return Outcome(mappings, audit_log, bundles)


def next_night(pipeline: Pipeline) -> None:
    """The next night's delivery, for which the SIS has nothing new."""
    settings = pipeline.settings
    settle(pipeline.warehouse, pipeline.home, SOURCE, settings)
    with pipeline.warehouse.transaction(SOURCE, YEAR) as session:
        build_delta(session, settings, DAY, "next")
    deliver(pipeline.warehouse, pipeline.home, SOURCE, YEAR, settings, "next")

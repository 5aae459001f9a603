"""The routes that carry a Standard CSV bundle: one order of steps, so that a run may die between any two instructions.

1. The bundle is finished under a temporary name in `.staging/`, and `sync.deliveries` notes it as prepared.
2. The route sends it. What is complete at the other side but has no final name yet is noted as uploaded.
3. One transaction advances `sync.mappings`, writes `sync.audit_log` and notes the bundle as confirmed.

A later run settles an unfinished delivery of its source before it works out a new delta: the route looks whether the
bundle has left. If so, step 3 is made up for with the delta that is still stored; if not, the bundle is thrown away
and its rows are due again. Whoever calls holds the lock of the source, and no connection to DuckDB is open while a
route talks.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, Protocol

from roster_pipeline.delivery.bundle import forget_refused, load_due, stage_due
from roster_pipeline.settings import Source
from roster_pipeline.warehouse.connection import Session, Warehouse
from roster_pipeline.warehouse.delta import DeltaCounts, delta_counts, delta_fingerprint
from roster_pipeline.warehouse.settings_tables import apply_settings

RouteName = Literal["outbox", "sftp"]


class DeliveryError(Exception):
    """Nothing was delivered, and the delta stays due. The message names the place and the remedy."""


@dataclass(frozen=True)
class Delivered:
    """What a delivery did."""

    route: str
    bundle: str | None
    """Where the bundle went, a path or a URL; None where there was nothing to send."""
    rows: dict[str, int]
    """Lines of the bundle by file."""
    refused: int
    """Rows of the delta that Brightspace would refuse, and what rests on them: left out, and still due."""
    counts: DeltaCounts


class BundleRoute(Protocol):
    """A way for a finished bundle to Brightspace."""

    @property
    def name(self) -> RouteName: ...

    @property
    def staging(self) -> Path:
        """The private folder in which bundles are finished; nothing in it outlives a settled delivery."""
        ...

    @property
    def place(self) -> str:
        """The folder or URL that bundles go to, without a secret."""
        ...

    def taken_names(self) -> list[str]:
        """Names of bundles that still lie where this one will go, as far as that can be seen without talking."""
        ...

    def send(self, bundle: str, note_uploaded: Callable[[], None]) -> str:
        """Bring the staged bundle to its place under its final name; returns that place.

        `note_uploaded` is called before the step that gives the final name, by routes where a look at the other side
        could not tell otherwise whether that step was done. Raises DeliveryError; the outcome may be unknown then.
        """
        ...

    def has_left(self, bundle: str, *, uploaded: bool) -> bool:
        """Whether an unfinished delivery reached its place. Raises DeliveryError when that cannot be seen."""
        ...


def staged_path(route: BundleRoute, bundle: str) -> Path:
    """Where a bundle waits until it is sent."""
    return route.staging / f".{bundle}.part"


def deliver_bundle(
    warehouse: Warehouse, route: BundleRoute, source_id: str, school_year: str, settings: Source, run_id: str
) -> Delivered:
    """Deliver the delta of a source and school year over `route`.

    Raises DeliveryError, WarehouseError, or OSError when the disk is full; the delta stays due then, and the next
    run settles the rest.
    """
    # What comes next is one rename where the outbox is the place, and may be minutes of talk elsewhere.
    with warehouse.transaction(source_id, school_year, begins=False, stays_open=route.name == "outbox") as session:
        apply_settings(session, settings)
        counts = delta_counts(session)
        staged = None
        if any(counts.values()):
            timestamp = _next_timestamp(session, route)
            staged = stage_due(session, route.staging, timestamp, settings.delivery.standard_csv_version, run_id)
            if staged:
                _note_prepared(session, staged.name, route, run_id)
            else:
                _confirm(session, run_id, route)
        else:
            forget_refused(session)
        refused = _refused(session)
    if staged is None:
        return Delivered(route.name, None, {}, refused, counts)
    place = route.send(staged.name, lambda: _note_uploaded(warehouse, source_id, school_year, staged.name))
    with warehouse.transaction(source_id, school_year, stays_open=True) as session:
        apply_settings(session, settings)
        _confirm(session, run_id, route, staged.name)
    sweep(route.staging)
    return Delivered(route.name, place, staged.rows, refused, counts)


def settle_bundles(
    warehouse: Warehouse, route_named: Callable[[RouteName], BundleRoute], source_id: str, settings: Source
) -> list[str]:
    """Finish or forget what interrupted deliveries of a source left, whatever their school year; a sentence for each.

    Raises DeliveryError when the other side cannot be looked at.
    """
    with warehouse.transaction(source_id, "", stays_open=True) as session:
        unfinished = session.execute(
            "SELECT route, bundle, school_year, run_id, state, place FROM sync.deliveries "
            "WHERE source_id = getvariable('source_id') AND state IN ('prepared', 'uploaded') ORDER BY bundle"
        )
    told = []
    for route_name, bundle, school_year, run_id, state, place in unfinished:
        route = route_named(route_name)
        if state == "uploaded" and place != route.place:
            raise DeliveryError(
                f"{bundle} was on its way to {place} when the connection was cut, and the settings now name "
                f"{route.place}. Put the old place back for one run, which will look whether it arrived."
            )
        has_left = route.has_left(bundle, uploaded=state == "uploaded")
        with warehouse.transaction(source_id, school_year) as session:
            if has_left:
                apply_settings(session, settings)
                _confirm(session, run_id, route, bundle)
                # What the run had left to do is done by the run that settles.
                session.execute(
                    "UPDATE sync.runs SET status = 'success' "
                    "WHERE source_id = getvariable('source_id') AND run_id = $run_id",
                    {"run_id": run_id},
                )
                told.append(f"{bundle} had left and is now confirmed")
            else:
                _set_state(session, bundle, "discarded")
                told.append(f"{bundle} never left and was discarded")
    sweep(route_named("outbox").staging)
    return told


def sweep(staging: Path) -> None:
    """Remove what lies in the staging folder of a source, where no delivery is under way."""
    for path in sorted(staging.rglob("*"), reverse=True) if staging.exists() else ():
        if path.is_dir():
            path.rmdir()
        else:
            path.unlink()


def _next_timestamp(session: Session, route: BundleRoute) -> datetime:
    """Now, or the first second after it that makes the bundle's name the last of its source by the alphabet."""
    names = [
        name
        for (name,) in session.execute(
            "SELECT max(bundle) FROM sync.deliveries WHERE source_id = getvariable('source_id')"
        )
    ]
    now = datetime.now(UTC).replace(microsecond=0)
    latest = max(filter(None, [*names, *route.taken_names()]), default=None)
    if latest is None:
        return now
    taken = datetime.strptime(latest.rpartition("-")[2], "%Y%m%d%H%M%S.zip").replace(tzinfo=UTC)
    return max(now, taken + timedelta(seconds=1))


def _note_prepared(session: Session, bundle: str, route: BundleRoute, run_id: str) -> None:
    session.execute(
        "INSERT INTO sync.deliveries (source_id, school_year, run_id, route, bundle, place, fingerprint, state, "
        "prepared_at) VALUES (getvariable('source_id'), getvariable('school_year'), $run_id, $route, $bundle, $place, "
        "$fingerprint, 'prepared', $now)",
        {
            "run_id": run_id,
            "route": route.name,
            "bundle": bundle,
            "place": route.place,
            "fingerprint": delta_fingerprint(session),
            "now": _now(),
        },
    )


def _note_uploaded(warehouse: Warehouse, source_id: str, school_year: str, bundle: str) -> None:
    with warehouse.transaction(source_id, school_year) as session:
        _set_state(session, bundle, "uploaded")


def _set_state(session: Session, bundle: str, state: str) -> None:
    session.execute(
        "UPDATE sync.deliveries SET state = $state WHERE source_id = getvariable('source_id') "
        "AND school_year = getvariable('school_year') AND bundle = $bundle",
        {"bundle": bundle, "state": state},
    )


def _confirm(session: Session, run_id: str, route: BundleRoute, bundle: str | None = None) -> None:
    now = _now()
    session.set_variables(run_id=run_id, confirmed_at=now, route=route.name)
    load_due(session)
    session.run_file("delivery/confirm")
    if bundle:
        session.execute(
            "UPDATE sync.deliveries SET state = 'confirmed', confirmed_at = $now "
            "WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year') "
            "AND bundle = $bundle",
            {"now": now, "bundle": bundle},
        )


def _refused(session: Session) -> int:
    rows: int = session.value(
        "SELECT count(*) FROM sync.refused WHERE source_id = getvariable('source_id') "
        "AND school_year = getvariable('school_year')"
    )
    return rows


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)

"""Tells what was changed by hand in Brightspace since it was delivered: `sync.drift`.

The tenant is laid beside `sync.mappings`, what was last confirmed, and nothing is changed on either side.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from roster_pipeline.home import Home
from roster_pipeline.settings import Source
from roster_pipeline.tenant.connect import read_tenant, write_wanted
from roster_pipeline.tenant.reading import Reading, Wanted, reading_folder
from roster_pipeline.warehouse.connection import Session, Warehouse, sql_text
from roster_pipeline.warehouse.existing import Existing, ExistingFiles, existing_files, has_emails, load_existing
from roster_pipeline.warehouse.settings_tables import apply_settings

#: The API tells how things are now.
_NOW = datetime(9999, 1, 1)  # noqa: DTZ001 - times in the warehouse are UTC without saying so
#: So many managed objects of a kind are not all gone: the service user may not see them.
_ALL_HIDDEN = 5


class DriftError(Exception):
    """Nothing can be concluded from what the tenant shows. The message says why, and names the remedy."""


@dataclass(frozen=True)
class Drift:
    """What a comparison found."""

    way: str
    """Where Brightspace was looked up: files, api or data_sets."""
    compared: dict[str, int]
    """Managed org units, users and enrollments that were compared."""
    newer: int
    """Managed objects left out because they were delivered after what was read was made."""
    findings: dict[str, dict[str, int]]
    """Rows of `sync.drift` by finding and kind."""
    not_seen: list[str]
    """What could not be compared, in words."""


def find_drift(
    warehouse: Warehouse, home: Home, source_id: str, school_year: str, settings: Source, run_id: str
) -> Drift:
    """Fill `sync.drift` of a source and school year anew.

    No lock of the warehouse is held while the tenant is read. Raises BrightspaceError, ExistingError, DriftError.
    """
    if settings.existing == "files":
        with warehouse.transaction(source_id, school_year) as session:
            apply_settings(session, settings)
            session.run_file("drift/managed")
            return _compare(session, settings, existing_files(home, source_id, settings), run_id)
    with reading_folder(home, source_id) as folder:
        with warehouse.transaction(source_id, school_year) as session:
            apply_settings(session, settings)
            session.set_variables(way=settings.existing)
            session.run_file("drift/managed")
            units = write_wanted(session, sql_text("drift/wanted"), folder)
        reading = read_tenant(home, source_id, settings, Wanted(users=True, org_units=True, units=units), folder)
        with warehouse.transaction(source_id, school_year) as session:
            apply_settings(session, settings)
            session.run_file("drift/managed")
            return _compare(session, settings, reading, run_id)


def _compare(session: Session, settings: Source, existing: Existing, run_id: str) -> Drift:
    load_existing(session, existing)
    session.set_variables(
        way=settings.existing,
        timezone=settings.timezone,
        # Data sets show the name that somebody prefers, where there is one.
        tells_names=settings.existing != "data_sets",
        tells_emails=has_emails(existing),
        tells_users_whole=isinstance(existing, Reading),
        tells_org_units_whole=isinstance(existing, Reading),
        **_times(existing),
    )
    session.run_file("drift/macros")
    session.run_file("drift/found")
    _demand_visibility(session, existing)
    session.create_temporary("misplaced_units", "drift/parents")
    session.execute(
        "DELETE FROM sync.drift WHERE source_id = getvariable('source_id') AND school_year = getvariable('school_year')"
    )
    queries = ["drift/units", "drift/users", *(["drift/enrollments"] if isinstance(existing, Reading) else [])]
    for query in queries:
        session.execute(
            "INSERT INTO sync.drift BY NAME SELECT getvariable('source_id') AS source_id, "
            "getvariable('school_year') AS school_year, $run_id AS run_id, $now AS \"at\", * "
            f"FROM ({sql_text(query)})",
            {"run_id": run_id, "now": _now()},
        )
    counts = dict(session.execute(sql_text("drift/compared")))
    findings: dict[str, dict[str, int]] = {}
    for finding, kind, rows in session.execute(sql_text("drift/counts")):
        findings.setdefault(finding, {})[kind] = rows
    return Drift(
        settings.existing,
        {name: counts[name] for name in ("org_units", "users", "enrollments")},
        counts["newer"],
        findings,
        _not_seen(settings, existing),
    )


def _times(existing: Existing) -> dict[str, datetime]:
    """Until when what was read can know of a delivery, and since when it does not know of removals."""
    if isinstance(existing, ExistingFiles):
        users, org_units = (_modified(path) for path in (existing.users, existing.org_units))
        return {
            "users_as_of": users,
            "org_units_as_of": org_units,
            "enrollments_as_of": org_units,
            "enrollments_full_as_of": _NOW,
        }
    newest = {name: times.newest for name, times in existing.times.items()}
    return {
        "users_as_of": newest.get("users", _NOW),
        # An org unit is compared with its parents, and each may be of another night.
        "org_units_as_of": min(newest.get(name, _NOW) for name in ("org_units", "org_unit_parents")),
        "enrollments_as_of": newest.get("enrollments", _NOW),
        "enrollments_full_as_of": existing.times["enrollments"].full if "enrollments" in existing.times else _NOW,
    }


def _modified(path: Path | None) -> datetime:
    """When a file was written; before every delivery where there is none."""
    seconds = path.stat().st_mtime if path else 0
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)


def _demand_visibility(session: Session, existing: Existing) -> None:
    """A role without a permission gets empty lists, which look like everything gone. Raises DriftError."""
    if isinstance(existing, ExistingFiles):
        return
    for kind, managed, found in session.execute(sql_text("drift/visible")):
        if managed >= _ALL_HIDDEN and not found:
            raise DriftError(
                f"Brightspace shows none of {managed:,} managed {kind}, so that nothing can be concluded. Give the "
                "service user's role the permissions to see users, org units and enrollments (View User Enrollments, "
                "and Search for each role), and check that brightspace.url names the tenant that was delivered to."
            )


def _not_seen(settings: Source, existing: Existing) -> list[str]:
    told = ["links between guardians and students"]
    if isinstance(existing, ExistingFiles):
        told = [
            "deletions, places, dates and enrollments: files do not tell; set brightspace.existing: api or data_sets",
            "org units and users that the files do not hold, and what was changed after the files were written",
            *told,
        ]
        told += [
            f"{name}: there is no file {file} in the folder existing"
            for name, file, path in (
                ("users", "users.csv", existing.users),
                ("org units", "org_units.csv", existing.org_units),
            )
            if path is None
        ]
    elif existing.way == "data_sets":
        newest = min(times.newest for times in existing.times.values())
        full = min(times.full for times in existing.times.values())
        told += [
            "first and last names: data sets show the name that somebody prefers",
            f"what was done by hand since {newest:%Y-%m-%d %H:%M} UTC, when the newest extracts were made",
            f"what was taken away since {full:%Y-%m-%d %H:%M} UTC: only the next full extract lacks it",
        ]
    else:
        told += ["dates of org units other than course offerings, and where sections hang: the API does not tell them"]
    if settings.delivery.route != "api":
        told.append(
            "org units whose code was changed by hand: the Standard CSV brings back no ids, so they are told as missing"
        )
    return told


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)

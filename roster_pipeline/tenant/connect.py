"""The one door to what Brightspace holds: from `brightspace.existing` in a source file to files or a reading.

The tenant is read before the transaction that needs it, into files of the run's own: no connection to DuckDB is open
meanwhile.
"""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from roster_pipeline.brightspace.client import BrightspaceClient
from roster_pipeline.home import PRIVATE_FILE, Home, private_folder
from roster_pipeline.settings import Source
from roster_pipeline.tenant.api import read_api
from roster_pipeline.tenant.data_sets import read_data_sets
from roster_pipeline.tenant.reading import Reading, Wanted, reading_folder
from roster_pipeline.warehouse.connection import Session, Warehouse, sql_text
from roster_pipeline.warehouse.existing import NOTHING, Existing, existing_files
from roster_pipeline.warehouse.literal import literal
from roster_pipeline.warehouse.settings_tables import apply_settings


@contextmanager
def existing_for_linking(
    warehouse: Warehouse, home: Home, source_id: str, school_year: str, settings: Source
) -> Generator[Existing]:
    """What Brightspace holds, as far as the next delta asks: for as long as the `with` block lasts.

    Nothing is read where no new object may be linked or given content. Raises BrightspaceError.
    """
    if settings.existing == "files":
        yield existing_files(home, source_id, settings)
        return
    with reading_folder(home, source_id) as folder:
        with warehouse.transaction(source_id, school_year) as session:
            apply_settings(session, settings)
            wanted = _wanted_for_linking(session, folder)
        yield read_tenant(home, source_id, settings, wanted, folder) if wanted.anything else NOTHING


def read_tenant(home: Home, source_id: str, settings: Source, wanted: Wanted, folder: Path) -> Reading:
    """Read what is wanted of the tenant into `folder`, the way the settings say. Raises BrightspaceError."""
    if settings.brightspace is None:
        raise ValueError("a source without the section brightspace has no tenant to read")
    read = read_api if settings.existing == "api" else read_data_sets
    token_file = private_folder(home.root / "tokens") / f"{source_id}.json"
    with BrightspaceClient.connect(settings.brightspace, token_file) as client:
        return read(client, wanted, folder)


def write_wanted(session: Session, query: str, folder: Path) -> Path:
    """Write the org units of `query` as a reading wants them."""
    path = folder / "wanted.parquet"
    session.execute(f"COPY ({query}) TO {literal(path)} (FORMAT parquet)")
    path.chmod(PRIVATE_FILE)
    return path


def _wanted_for_linking(session: Session, folder: Path) -> Wanted:
    for step in ("held_by_later_year", "unit_candidates", "user_candidates"):
        session.create_temporary(step, f"delta/{step}")
    users = session.value("SELECT getvariable('link_users') AND count(*) > 0 FROM user_candidates")
    # The parent template's content needs no look at what else is there.
    org_units = session.value(
        "SELECT coalesce(bool_or(may_link OR (kind = 'course_offering' AND getvariable('content_copy') "
        "AND getvariable('content_copy_from') <> 'parent_template')), false) FROM unit_candidates"
    )
    return Wanted(users, org_units, write_wanted(session, sql_text("existing/wanted_for_linking"), folder))

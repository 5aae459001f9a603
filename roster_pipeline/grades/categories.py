"""Categories of the SIS: taken over into gradebooks, and looked up where a policy maps to them. Never written there."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import duckdb

from roster_pipeline.grades.categories_api import sync_into_tenant
from roster_pipeline.grades.categories_files import sync_into_files
from roster_pipeline.grades.gradebook import Gradebook
from roster_pipeline.grades.scope import ExportRefusedError, policy_of
from roster_pipeline.grades.sis_categories import SisCategory, Synced
from roster_pipeline.grades.tenant import open_tenant
from roster_pipeline.home import Home
from roster_pipeline.oneroster.gradebook_client import GradebookClient
from roster_pipeline.settings import Source
from roster_pipeline.settings.connection import Rest
from roster_pipeline.settings.grade_export import FilesGradebook
from roster_pipeline.warehouse.connection import Session, Warehouse, sql_text


def sync_categories(
    warehouse: Warehouse, home: Home, source_id: str, school_year: str, settings: Source, classes: Iterable[str]
) -> list[Synced]:
    """Take the SIS's categories over into the gradebooks of classes. A second time adds nothing.

    Whoever calls holds the source's lock. Raises ExportRefusedError, GradebookError, RestError, BrightspaceError.
    """
    wanted = list(dict.fromkeys(classes))
    connection = _authorized(settings)
    _demand_managed(warehouse, source_id, school_year, wanted)
    with GradebookClient(connection, deletes=False) as client:
        found = {class_id: _of_class(client, class_id) for class_id in wanted}
    with warehouse.transaction(source_id, school_year) as session:
        for class_id, categories in found.items():
            _keep(session, class_id, categories)
    gradebook = settings.grade_export.gradebook
    if isinstance(gradebook, FilesGradebook):
        return sync_into_files(home.root / gradebook.path / "categories.csv", found)
    with open_tenant(home, source_id, settings) as client:
        return sync_into_tenant(client, warehouse, source_id, school_year, found)


def list_for_export(
    warehouse: Warehouse, source_id: str, school_year: str, settings: Source, gradebook: Gradebook
) -> None:
    """Where the policy maps to categories of the district: see that they are there, and which classes use which.

    Raises ExportRefusedError when a mapped category is not in the district's list, RestError.
    """
    if not policy_of(settings).needs_category_listing:
        return
    connection = _rest(settings)
    items = str(gradebook.path("grade_items"))
    with duckdb.connect() as database:
        classes = [
            class_id
            for (class_id,) in database.execute(
                "SELECT DISTINCT class_sourced_id FROM read_parquet($path) "
                "WHERE class_sourced_id IS NOT NULL ORDER BY 1",
                {"path": items},
            ).fetchall()
        ]
    with GradebookClient(connection, deletes=False) as client:
        district = _categories(client.district_categories())
        known = {category.sourced_id for category in district}
        missing = sorted(set(settings.grade_export.otus.category_map.values()) - known)
        if missing:
            raise ExportRefusedError(
                "category_not_in_district",
                f"grade_export.otus.category_map names {', '.join(missing)}, which is no district-level category of "
                f"the SIS; it has: {', '.join(sorted(known)) or 'none'}",
            )
        with ThreadPoolExecutor(connection.concurrency) as pool:
            listed = dict(zip(classes, pool.map(client.class_categories, classes), strict=True))
    with warehouse.transaction(source_id, school_year) as session:
        _keep(session, None, district)
        for class_id, rows in listed.items():
            _keep(session, class_id, None if rows is None else _categories(rows))


def list_unlisted(warehouse: Warehouse, source_id: str, school_year: str, settings: Source) -> None:
    """List the categories of managed classes that were never listed: Brightspace keeps no id of a SIS category.

    Raises RestError.
    """
    if policy_of(settings).category != "linked":
        return
    with warehouse.transaction(source_id, school_year) as session:
        classes = [class_id for (class_id,) in session.execute(sql_text("grades/unlisted_classes"))]
    if not classes:
        return
    connection = _rest(settings)
    with GradebookClient(connection, deletes=False) as client, ThreadPoolExecutor(connection.concurrency) as pool:
        found = list(pool.map(lambda class_id: _of_class(client, class_id), classes))
    with warehouse.transaction(source_id, school_year) as session:
        for class_id, categories in zip(classes, found, strict=True):
            _keep(session, class_id, categories)


def _authorized(settings: Source) -> Rest:
    if not settings.grade_export.enabled:
        raise ExportRefusedError("not_enabled", "grade_export.enabled is false; set it to true")
    if not policy_of(settings).syncs_categories:
        raise ExportRefusedError(
            "not_supported_by_sis",
            f"policy {settings.grade_export.policy} has no categories to take over; the SIS keeps them to itself",
        )
    return _rest(settings)


def _rest(settings: Source) -> Rest:
    if not isinstance(settings.connection, Rest):
        raise ExportRefusedError("no_rest", "grades go back over OneRoster REST; set connection.kind: rest")
    return settings.connection


def _demand_managed(warehouse: Warehouse, source_id: str, school_year: str, classes: list[str]) -> None:
    with warehouse.transaction(source_id, school_year) as session:
        managed = {
            class_id
            for (class_id,) in session.execute(
                "SELECT sourced_id FROM sync.mappings WHERE source_id = getvariable('source_id') "
                "AND kind = 'course_offering'"
            )
        }
    strange = [class_id for class_id in classes if class_id not in managed]
    if strange:
        raise ExportRefusedError(
            "class_not_managed", f"{', '.join(strange)}: no course that the integration created; leave it out"
        )


def _of_class(client: GradebookClient, class_id: str) -> list[SisCategory]:
    """Some systems list categories by class, others for the district only."""
    rows = client.class_categories(class_id)
    return _categories(client.district_categories() if rows is None else rows)


def _categories(rows: Iterable[dict[str, object]]) -> list[SisCategory]:
    return [
        SisCategory(str(row["sourcedId"]), str(row.get("title") or row["sourcedId"]))
        for row in rows
        if row.get("sourcedId") and str(row.get("status", "active")).lower() != "tobedeleted"
    ]


def _keep(session: Session, class_id: str | None, categories: list[SisCategory] | None) -> None:
    """Note a listing; None stands for a list that the SIS does not offer, and is no listing."""
    session.execute(
        "DELETE FROM grades.sis_categories WHERE source_id = getvariable('source_id') "
        "AND school_year = getvariable('school_year') AND class_sourced_id IS NOT DISTINCT FROM $class_id",
        {"class_id": class_id},
    )
    if categories is None:
        return
    now = datetime.now(UTC).replace(tzinfo=None)
    ids: list[str | None] = [category.sourced_id for category in categories] or [None]
    titles: list[str | None] = [category.title for category in categories] or [None]
    session.execute(
        "INSERT INTO grades.sis_categories SELECT getvariable('source_id'), getvariable('school_year'), $class_id, "
        "unnest($ids::VARCHAR[]), unnest($titles::VARCHAR[]), $now",
        {"class_id": class_id, "ids": ids, "titles": titles, "now": now},
    )

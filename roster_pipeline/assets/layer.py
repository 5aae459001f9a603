"""What the assets of every layer share: how they are described, and how trouble is told."""

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import Any

import dagster as dg

from roster_pipeline.brightspace.errors import BrightspaceError
from roster_pipeline.brightspace.standard_csv import StandardCsvError
from roster_pipeline.delivery.bundle_route import DeliveryError
from roster_pipeline.grades.gradebook import GradebookError
from roster_pipeline.grades.push import SisUnreachableError
from roster_pipeline.grades.scope import ExportRefusedError
from roster_pipeline.oneroster.extract import ExtractError
from roster_pipeline.partitions import school_years
from roster_pipeline.settings import SettingsError
from roster_pipeline.tenant.drift import DriftError
from roster_pipeline.warehouse.catalogue import tables
from roster_pipeline.warehouse.database import WarehouseError
from roster_pipeline.warehouse.existing import ExistingError
from roster_pipeline.warehouse.hierarchy import NoSessionsError

#: The partitions of every asset.
SCHOOL_YEARS = dg.StaticPartitionsDefinition(school_years())
#: What a step yields for an asset; the value itself is in the warehouse.
Result = dg.MaterializeResult[Any]
Metadata = dict[str, dg.MetadataValue[Any] | str | int | float | None]

OWNERS = ["team:data-engineering"]

#: Trouble with a remedy in its message: shown as it is, without a stack trace's noise, and not tried again.
EXPECTED = (
    BrightspaceError,
    DeliveryError,
    DriftError,
    ExistingError,
    ExportRefusedError,
    ExtractError,
    GradebookError,
    NoSessionsError,
    SettingsError,
    SisUnreachableError,
    StandardCsvError,
    WarehouseError,
)


def table_spec(source_id: str, layer: str, table: str, deps: Iterable[tuple[str, str]], kind: str) -> dg.AssetSpec:
    """The asset of one warehouse table, with its columns and their comments."""
    described = tables().get(f"{layer}.{table}")
    metadata: dict[str, Any] = {}
    if described:
        metadata["dagster/table_name"] = described.full_name
        metadata["dagster/column_schema"] = dg.TableSchema(
            columns=[
                dg.TableColumn(column.name, column.type, description=column.comment) for column in described.columns
            ]
        )
    return dg.AssetSpec(
        dg.AssetKey([source_id, layer, table]),
        deps=[dg.AssetKey([source_id, upstream_layer, upstream]) for upstream_layer, upstream in deps],
        group_name=source_id,
        description=described.comment if described else None,
        metadata=metadata,
        owners=OWNERS,
        kinds={kind},
        partitions_def=SCHOOL_YEARS,
    )


@contextmanager
def told_plainly() -> Generator[None]:
    """Turn trouble that names its own remedy into a failure that shows just that."""
    try:
        yield
    except EXPECTED as error:
        raise dg.Failure(description=str(error), allow_retries=False) from error


def markdown_table(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> dg.MetadataValue:
    """A table for the UI. The caller sees to it that no person is in it."""
    names = list(header)
    lines = [f"| {' | '.join(names)} |", f"|{' --- |' * len(names)}"]
    lines += [f"| {' | '.join('' if cell is None else str(cell) for cell in row)} |" for row in rows]
    return dg.MetadataValue.md("\n".join(lines))

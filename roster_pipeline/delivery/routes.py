"""The one place that chooses the route of a delivery."""

from roster_pipeline.delivery.api_route import deliver_over_api, settle_api
from roster_pipeline.delivery.bundle_route import (
    BundleRoute,
    Delivered,
    DeliveryError,
    RouteName,
    deliver_bundle,
    settle_bundles,
)
from roster_pipeline.delivery.outbox import Outbox
from roster_pipeline.home import Home
from roster_pipeline.settings import Source
from roster_pipeline.warehouse.connection import Warehouse


def deliver(
    warehouse: Warehouse, home: Home, source_id: str, school_year: str, settings: Source, run_id: str
) -> Delivered:
    """Deliver the delta of a source and school year the way its settings say. Raises DeliveryError."""
    route = settings.delivery.route
    if route == "api":
        return deliver_over_api(warehouse, home, source_id, school_year, settings, run_id)
    return deliver_bundle(
        warehouse, _bundle_route(route, home, source_id, settings), source_id, school_year, settings, run_id
    )


def settle(warehouse: Warehouse, home: Home, source_id: str, settings: Source) -> list[str]:
    """Bring interrupted deliveries of a source to their end; a sentence for each. Raises DeliveryError."""
    return [
        *settle_bundles(warehouse, lambda name: _bundle_route(name, home, source_id, settings), source_id, settings),
        *settle_api(warehouse, home, source_id, settings),
    ]


def _bundle_route(name: RouteName, home: Home, source_id: str, settings: Source) -> BundleRoute:
    """Raises DeliveryError when the settings do not describe the route, which was another one at the last run."""
    outbox = Outbox(home.outbox(source_id))
    if name == "outbox":
        return outbox
    if settings.delivery.sftp is None:
        raise DeliveryError(
            "A bundle was on its way over SFTP when the connection was cut, and delivery.sftp is no longer there. "
            "Put it back for one run, which will look whether the bundle arrived."
        )
    # It brings an SSH library that only this route needs.
    from roster_pipeline.delivery.sftp_folder import SftpFolder  # noqa: PLC0415

    return SftpFolder(settings.delivery.sftp, outbox.staging, settings.delivery.wait_minutes)

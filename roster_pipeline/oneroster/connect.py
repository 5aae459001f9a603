"""The one door to a SIS: from the connection in a source file to something that can be extracted."""

from collections.abc import Collection
from pathlib import Path

from roster_pipeline.oneroster.extract import Extractor
from roster_pipeline.settings.connection import Connection, Folder, Rest, Sftp


def extractor_for(
    connection: Connection, home: Path, previous: Path | None = None, processed: Collection[str] = ()
) -> Extractor:
    """The way in that `connection` describes.

    Relative paths start at `home`. `previous` is the folder of the last whole state's Parquet files, without which
    a delta package is refused; `processed` are the SHA-256 hashes of the zips that it holds.
    """
    # Each way in brings libraries that take up to a second to load, and a run needs one of them.
    match connection:
        case Folder():
            from roster_pipeline.oneroster.csv_bundle import CsvBundle  # noqa: PLC0415

            return CsvBundle(home / connection.path, previous)
        case Rest():
            from roster_pipeline.oneroster.rest_extract import RestExtractor  # noqa: PLC0415

            return RestExtractor(connection)
        case Sftp():
            from roster_pipeline.oneroster.sftp import SftpSource  # noqa: PLC0415

            return SftpSource(connection, previous, processed)

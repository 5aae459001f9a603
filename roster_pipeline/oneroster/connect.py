"""The one door to a SIS: from the connection in a source file to something that can be extracted."""

from collections.abc import Collection
from pathlib import Path

from roster_pipeline.oneroster.csv_bundle import CsvBundle
from roster_pipeline.oneroster.extract import Extractor
from roster_pipeline.oneroster.rest_extract import RestExtractor
from roster_pipeline.oneroster.sftp import SftpSource
from roster_pipeline.settings.connection import Connection, Folder, Rest, Sftp


def extractor_for(
    connection: Connection, home: Path, previous: Path | None = None, processed: Collection[str] = ()
) -> Extractor:
    """The way in that `connection` describes.

    Relative paths start at `home`. `previous` is the folder of the last whole state's Parquet files, without which
    a delta package is refused; `processed` are the SHA-256 hashes of the zips that it holds.
    """
    match connection:
        case Folder():
            return CsvBundle(home / connection.path, previous)
        case Rest():
            return RestExtractor(connection)
        case Sftp():
            return SftpSource(connection, previous, processed)

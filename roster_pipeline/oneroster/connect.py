"""The one door to a SIS: from the connection in a source file to something that can be extracted."""

from pathlib import Path

from roster_pipeline.oneroster.csv_bundle import CsvBundle
from roster_pipeline.oneroster.extract import Extractor
from roster_pipeline.oneroster.rest_extract import RestExtractor
from roster_pipeline.settings.connection import Connection, Folder, Rest


def extractor_for(connection: Connection, home: Path, previous: Path | None = None) -> Extractor:
    """The way in that `connection` describes.

    Relative paths start at `home`. `previous` is the folder of the last whole state's Parquet files, without which
    a delta package is refused.
    """
    match connection:
        case Folder():
            return CsvBundle(home / connection.path, previous)
        case Rest():
            return RestExtractor(connection)
        case _:
            raise NotImplementedError(connection.kind)

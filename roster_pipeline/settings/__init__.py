"""A source system's configuration: `$ROSTER_HOME/sources/<source_id>.yaml`, one module per section of the page."""

from roster_pipeline.settings.loading import Mistake, SettingsError, SourceFile, load_source, load_sources
from roster_pipeline.settings.source import Source

__all__ = ["Mistake", "SettingsError", "Source", "SourceFile", "load_source", "load_sources"]

"""The taking over of categories in a process of its own, so that it can be killed.

`python -m roster_pipeline_tests.grades.category_process HOME CLASS` does it for one class.
"""

import sys
from pathlib import Path

from roster_pipeline.grades.categories import sync_categories
from roster_pipeline.home import Home
from roster_pipeline.settings import load_source
from roster_pipeline.warehouse.connection import Warehouse
from roster_pipeline_tests.pipeline import SOURCE, YEAR

if __name__ == "__main__":
    home = Home(Path(sys.argv[1]))
    sync_categories(Warehouse(home), home, SOURCE, YEAR, load_source(home.sources, SOURCE).settings, [sys.argv[2]])
